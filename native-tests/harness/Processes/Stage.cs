using System.Diagnostics;
using System.Net;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Network;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Processes;

/// <summary>Sets up what a run plays on: addresses, endpoints, redirection; and moves it from step to step.</summary>
internal static class Stage
{
    /// <summary>Brings up the network, one server at every endpoint and virtual address, and the redirection to the proxy.</summary>
    public static void Prepare(VerdictFile verdicts, RecordedMesh mesh, EndpointServer endpoints, IProxy proxy)
    {
        TrafficRedirection.UseLoopback();
        var cases = verdicts.Steps.Values.SelectMany(static cases => cases).ToList();
        var served = cases.SelectMany(static verdict => verdict.Got.ServedBy.Keys.Concat(verdict.Got.AlsoReached.Keys)).Where(static address => IPEndPoint.TryParse(address, out _) && address.Contains(':', StringComparison.Ordinal));
        var resolved = verdicts.Dns.Values;
        TrafficRedirection.AddAddresses([
            .. verdicts.Vips.Select(static vip => IPEndPoint.Parse(vip).Address.ToString()),
            .. cases.Select(static verdict => verdict.Send.From).OfType<string>(),
            .. mesh.Addresses.Concat(served).Select(static address => IPEndPoint.Parse(address).Address.ToString()),
            .. resolved,
        ]);
        foreach (var address in verdicts.Vips.Concat(mesh.Addresses).Concat(served).Except(verdicts.ProxyAddresses(mesh.Addresses)))
        {
            endpoints.Listen(address);
        }
        if (proxy.OutboundPort is { } port)
        {
            TrafficRedirection.Redirect(proxy.User, port, verdicts.Inbound);
        }
    }

    /// <summary>Moves the control plane to a step and waits until every worker of the proxy routes by it.</summary>
    public static async Task GoToAsync(RecordedStep step, ControlPlane? controlPlane, IProxy proxy)
    {
        if (controlPlane is not null)
        {
            await controlPlane.GoToAsync(step.Name);
            await SettleAsync(step, controlPlane, proxy);
        }
    }

    /// <summary>
    /// Waits until clients have acknowledged the step and all workers have its commit. The order of the questions matters: a push that is
    /// acknowledged is being received or committed, so the proxy is asked after the control plane.
    /// </summary>
    public static async Task SettleAsync(RecordedStep step, ControlPlane controlPlane, IProxy proxy, Func<bool>? orElse = null)
    {
        var (last, summary) = ("", "");
        var since = Stopwatch.StartNew();
        await Waiting.UntilAsync(
            async () =>
            {
                proxy.ThrowIfExited();
                var there = await controlPlane.StateAsync();
                var delivered = ControlPlane.IsDelivered(there, step);
                var receiving = await proxy.IsReceivingAsync();
                var state = await proxy.StateAsync();
                summary = $"the control plane is at {there.GetProperty("step")} with {there.GetProperty("clients").GetArrayLength()} clients, acknowledged: {delivered}; the library is receiving: {receiving}; the proxy has commit {state.Version} and in its slowest worker {state.Applied}";
                if ($"{there} {state}" is var now && now != last)
                {
                    last = now;
                    since.Restart();
                }
                // A library that does not tell has committed when nothing has moved for longer than it waits for the rest of a push.
                return orElse?.Invoke() == true || (delivered && state.IsSettled && (receiving == false || (receiving is null && since.Elapsed > Quiet)));
            },
            TimeSpan.FromSeconds(20),
            () => $"step {step.Name} in every worker; {summary}\n{proxy.Complaint}");
    }

    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);
}
