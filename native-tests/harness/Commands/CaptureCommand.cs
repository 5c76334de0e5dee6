using Amesh.Harness.Capture;
using Amesh.Harness.Native;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;

namespace Amesh.Harness.Commands;

/// <summary><c>harness capture</c>: every kind of traffic at the captured ports of a real APISIX.</summary>
internal static class CaptureCommand
{
    public const string Usage = "capture [--only PART-OF-A-NAME]";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var given = new Arguments(arguments, ["--only"], []);
        if (NetworkNamespace.Inside is null)
        {
            return NetworkNamespace.RunInside(["capture", .. arguments]);
        }
        using var folder = new RunFolder();
        var suite = new NativeSuite(Console.Out, given.Value("--only"));
        await using (var stage = await CaptureStage.StartAsync(folder))
        {
            await CaptureTests.RunAsync(suite, stage);
        }
        suite.Summarise();
        return suite.Failed == 0 ? 0 : 1;
    }
}
