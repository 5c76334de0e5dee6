using System.Reflection;

namespace Amesh.Harness;

/// <summary>Where things lie in the repository that this harness was built from.</summary>
internal static class Repository
{
    /// <summary>The repository's top folder.</summary>
    public static string Root { get; } = Environment.GetEnvironmentVariable("AMESH_ROOT")
        ?? typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static data => data.Key == "RepositoryRoot").Value!;

    /// <summary>The library under test.</summary>
    public static string Library => Existing("AMESH_LIBRARY", "artifacts/libxds.so", "./build.sh builds it");

    /// <summary>The <c>amesh</c> program as a .dll.</summary>
    public static string CommandLine => Existing("AMESH_CLI", "artifacts/bin/Amesh.Cli/release/amesh.dll", "./build.sh builds it");

    /// <summary>A path below the top folder.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Existing(string variable, string path, string hint)
    {
        var full = Environment.GetEnvironmentVariable(variable) ?? At(path);
        return File.Exists(full) ? full : throw new HarnessException($"{full} is missing: {hint}, or name it in {variable}");
    }
}
