using Amesh.Harness.Network;

namespace Amesh.Harness.Native;

/// <summary>The library file itself, and the library in a plain LuaJIT without nginx.</summary>
internal static class ExportTests
{
    public static async Task RunAsync(NativeSuite suite)
    {
        await suite.TestAsync("the library exports initial and amesh_* and nothing else", OnlyOurExportsAsync);
        await suite.TestAsync("LuaJIT without nginx loads it and is told what is missing", StandaloneAsync);
    }

    private static Task<string> OnlyOurExportsAsync()
    {
        // An absolute symbol (A) is the name of a symbol version, nothing that can be called.
        var names = Shell.Run("nm", "-D", "--defined-only", Repository.Library).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => line.Split(' ')).Where(static words => words[^2] != "A").Select(static words => words[^1].Split('@')[0]).ToList();
        var foreign = names.Where(static name => name != "initial" && !name.StartsWith("amesh_", StringComparison.Ordinal)).ToList();
        Check.That(foreign.Count == 0, () => "also exported: " + string.Join(" ", foreign));
        Check.That(names.Contains("initial") && names.Contains("amesh_start"), () => "missing among " + string.Join(" ", names));
        return Task.FromResult(string.Join(" ", names));
    }

    private static Task<string> StandaloneAsync()
    {
        var (code, output, error) = Shell.Try("luajit", Repository.At("native-tests", "harness", "Native", "standalone.lua"), Repository.Library);
        Check.That(code == 0, () => $"exit code {code}: {output}{error}");
        return Task.FromResult(output.Trim().ReplaceLineEndings(" / "));
    }
}
