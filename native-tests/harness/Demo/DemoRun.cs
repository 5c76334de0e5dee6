using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Demo;

/// <summary>Shows a recorded mesh step by step: what changed in it, what Amesh wrote, and where real requests went.</summary>
internal sealed class DemoRun(VerdictFile verdicts, RecordedMesh mesh, TestGateway gateway, ControlPlane controlPlane, TextWriter output)
{
    private const int LinesShown = 6;
    private static readonly string[] Heading = ["request", "expected by the mesh", "pods that answered", ""];
    private readonly PodNames _pods = new(mesh.Folder);
    private readonly TellingCases _telling = new();
    private int _sent;
    private int _astray;

    /// <summary>Requests that did not go where they should.</summary>
    public int Astray => _astray;

    /// <summary>Walks all steps on endpoints that the caller keeps.</summary>
    public async Task RunAsync(EndpointServer endpoints)
    {
        Stage.Prepare(verdicts, mesh, endpoints, gateway);
        await controlPlane.StartAsync();
        await gateway.StartAsync();
        output.WriteLine($"""
            Amesh demo: the Bookinfo mesh of a real istiod, replayed over ADS
              control plane   {controlPlane.Description}, port {ControlPlane.AdsPort}
              data plane      nginx with two workers and libxds.so, port {gateway.OutboundPort}; iptables sends it all that is not loopback
              pods            {endpoints.Addresses.Count} small servers, one per endpoint or service address
            """);
        var sender = new CaseSender(new VerdictClient(), endpoints.Log);
        long version = 0;
        for (var index = 0; index < mesh.Steps.Count; index++)
        {
            var step = mesh.Steps[index];
            output.WriteLine($"\n{Bold($"{index + 1}/{mesh.Steps.Count} {step.Name}")}  {step.About}");
            await Stage.GoToAsync(step, controlPlane, gateway);
            List("mesh", [.. step.Set.Select(static name => "+" + name), .. step.Removed.Select(static name => "-" + name)], "nothing changed");
            var changes = await gateway.ChangesAsync(version);
            var state = await gateway.StateAsync();
            List(state.Version > version + 1 ? $"commits {version + 1} to {state.Version}" : $"commit {state.Version}", changes, "nothing to write");
            version = state.Version;
            await ShowRequestsAsync(step, sender);
        }
        output.WriteLine($"\n{_sent} requests in {mesh.Steps.Count} steps, {(_astray == 0 ? "all went where the mesh wants them" : $"{_astray} went elsewhere")}.");
    }

    private async Task ShowRequestsAsync(RecordedStep step, CaseSender sender)
    {
        var expectation = new Expectation(_pods, step.State.Targets);
        var cases = _telling.Pick(verdicts.Steps[step.Name], expectation);
        var rows = new List<string[]> { Heading };
        foreach (var (verdict, measured) in await sender.SendAsync(cases))
        {
            var differences = Comparison.Differences(verdict, measured, step.State.Targets);
            _sent += verdict.Times;
            _astray += differences.Count > 0 ? verdict.Times : 0;
            rows.Add([Request(verdict), expectation.Of(verdict), expectation.Got(measured.Outcome), differences.Count == 0 ? Good("ok") : Bad("NOT OK: " + string.Join("; ", differences))]);
        }
        foreach (var line in TextTable.Lines(rows))
        {
            output.WriteLine("   " + line);
        }
    }

    private static string Request(VerdictCase verdict)
    {
        var send = verdict.Send;
        var headers = string.Join(" ", send.Headers.Select(static header => $"{header.Key}: {header.Value}"));
        return $"{send.Method} {send.Host}{send.Path}{(headers.Length > 0 ? $" [{headers}]" : "")}{(verdict.Times > 1 ? $" ×{verdict.Times}" : "")}";
    }

    private void List(string title, IReadOnlyList<string> items, string nothing)
    {
        output.WriteLine($"   {title}: {(items.Count == 0 ? nothing : items.Count == 1 ? "1 change" : $"{items.Count} changes")}");
        foreach (var item in items.Take(items.Count > LinesShown + 1 ? LinesShown : items.Count))
        {
            output.WriteLine("      " + item);
        }
        if (items.Count > LinesShown + 1)
        {
            output.WriteLine($"      ... and {items.Count - LinesShown} more");
        }
    }

    private static string Bold(string text) => Console.IsOutputRedirected ? text : $"\e[1m{text}\e[0m";

    private static string Good(string text) => Console.IsOutputRedirected ? text : $"\e[32m{text}\e[0m";

    private static string Bad(string text) => Console.IsOutputRedirected ? text : $"\e[31m{text}\e[0m";
}
