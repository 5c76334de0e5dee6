using System.Globalization;
using Amesh.Harness.Certificates;
using Amesh.Harness.Network;
using Amesh.Harness.Pod;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;

namespace Amesh.Harness.Commands;

/// <summary><c>harness pod</c>: a pod with Istio's own iptables rules, connections of many kinds in and out of it at once.</summary>
internal static class PodCommand
{
    public const string Usage = "pod [--target apisix] [--connections 10000] [--protocol delta|sotw]";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var given = new Arguments(arguments, ["--target", "--connections", "--protocol"], []);
        if (NetworkNamespace.Inside is null)
        {
            return NetworkNamespace.RunInside(["pod", .. arguments]);
        }
        using var folder = new RunFolder();
        var authority = new RunAuthority();
        var protocol = given.OneOf("--protocol", "delta", "sotw");
        var recording = Path.Combine(folder.Path, KeySearch.RecordingFolder);
        RewrittenRecording.Write(Repository.At("samples", "istio", "bookinfo-reviews"), recording, authority, isGateway: false);
        MovedRecording.Move(recording);
        var agent = Path.Combine(folder.Path, "agent.sock");
        var options = new GatewayOptions { Recording = recording, Protocol = protocol, OwnPorts = [], StateFile = Path.Combine(folder.Path, "state"), AgentSocket = agent };
        await using var controlPlane = ControlPlane.Amesh(recording, folder.Path, agent);
        await using IProxy proxy = given.OneOf("--target", "apisix", "gateway") == "apisix" ? new ApisixGateway(folder.Path, options) : new TestGateway(folder.Path, options);
        var (passed, failed) = await new PodRun(RecordedMesh.Read(recording, protocol), authority, proxy, controlPlane, Console.Out)
            .RunAsync(int.Parse(given.Value("--connections") ?? "10000", CultureInfo.InvariantCulture));
        var (leaks, summary) = await KeySearch.RunAsync(recording, folder.Path, proxy);
        Console.WriteLine(summary);
        foreach (var leak in leaks)
        {
            Console.WriteLine($"FAIL secrets: a private key shows in {leak}");
        }
        Console.WriteLine($"{passed} passed, {failed + leaks.Count} failed");
        return failed + leaks.Count == 0 ? 0 : 1;
    }
}
