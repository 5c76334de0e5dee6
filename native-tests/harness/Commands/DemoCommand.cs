using System.Runtime.InteropServices;
using Amesh.Harness.Demo;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Commands;

/// <summary><c>harness demo</c>: what <c>./build.sh demo</c> runs.</summary>
internal static class DemoCommand
{
    public const string Usage = "demo [--keep] [--protocol delta|sotw] [--control-plane amesh|node]";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var given = new Arguments(arguments, ["--protocol", "--control-plane"], ["--keep"]);
        if (NetworkNamespace.Inside is null)
        {
            return NetworkNamespace.RunInside(["demo", .. arguments]);
        }
        var recording = Repository.At("samples", "istio", "bookinfo");
        var verdicts = VerdictFile.Read(Repository.At("native-tests", "verdicts", "istio-bookinfo.json"));
        var protocol = given.OneOf("--protocol", "delta", "sotw");
        using var folder = new RunFolder();
        await using var endpoints = new EndpointServer();
        await using var controlPlane = ControlPlane.Of(given.OneOf("--control-plane", "amesh", "node"), recording, folder.Path);
        await using var gateway = new TestGateway(folder.Path, new GatewayOptions { Recording = recording, Protocol = protocol });
        var demo = new DemoRun(verdicts, RecordedMesh.Read(recording, protocol), gateway, controlPlane, Console.Out);
        await demo.RunAsync(endpoints);
        if (given.Has("--keep"))
        {
            ShowAround(gateway);
            var interrupted = new TaskCompletionSource();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => { context.Cancel = true; interrupted.TrySetResult(); });
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => { context.Cancel = true; interrupted.TrySetResult(); });
            await interrupted.Task;
        }
        return demo.Astray == 0 ? 0 : 1;
    }

    private static void ShowAround(TestGateway gateway)
    {
        var here = $"sudo ip netns exec {NetworkNamespace.Inside}";
        Console.WriteLine($"""

            Everything is still running; look around from another terminal:
              a request      {here} curl -s http://10.96.1.3:9080/reviews/0 -H 'Host: reviews:9080' -H 'end-user: jason'
              status         {here} curl -s http://127.0.0.1:{TestGateway.ControlPort}/status
              what is kept   {here} curl -s http://127.0.0.1:{TestGateway.ControlPort}/objects
              a step         {here} curl -s -X POST http://127.0.0.1:{ControlPlane.HttpPort}/step/all-v1
              steps          {here} curl -s http://127.0.0.1:{ControlPlane.HttpPort}/state
              error log      {gateway.ErrorLog}
              configuration  {gateway.Prefix}
            Ctrl-C ends it and removes the network namespace.
            """);
    }
}
