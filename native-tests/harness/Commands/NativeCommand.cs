using Amesh.Harness.Native;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;

namespace Amesh.Harness.Commands;

/// <summary><c>harness native</c>: the real library in LuaJIT and nginx.</summary>
internal static class NativeCommand
{
    public const string Usage = "native [--only PART-OF-A-NAME]";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var given = new Arguments(arguments, ["--only"], []);
        if (NetworkNamespace.Inside is null)
        {
            return NetworkNamespace.RunInside(["native", .. arguments]);
        }
        using var folder = new RunFolder();
        var suite = new NativeSuite(Console.Out, given.Value("--only"));
        await ExportTests.RunAsync(suite);
        await LifeTests.RunAsync(suite, folder);
        await GarbageTests.RunAsync(suite, folder);
        await GuestTests.RunAsync(suite, folder);
        suite.Summarise();
        return suite.Failed == 0 ? 0 : 1;
    }
}
