using System.Runtime.CompilerServices;

namespace Amesh.Xds.Tests;

/// <summary>Where things are in the source tree.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Sample(string name) => Path.Combine(Root, "samples", name);

    public static IEnumerable<string> Recordings =>
        Directory.EnumerateFiles(Path.Combine(Root, "samples"), "*.pb.gz", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Path.Combine(Root, "samples"), Path.GetDirectoryName(file)!)).Distinct().Order();

    private static string FindRoot([CallerFilePath] string here = "")
    {
        string? folder = Path.GetDirectoryName(here);
        while (folder is not null && !Directory.Exists(Path.Combine(folder, "samples")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException("samples/ is not above " + here);
    }
}
