using System.Reflection;

namespace Amesh.Harness.Tests;

/// <summary>Where the recorded data lies: the build writes the repository's place into the assembly.</summary>
internal static class Repository
{
    public static string Root { get; } =
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static data => data.Key == "RepositoryRoot").Value!;

    public static string Verdicts => Path.Combine(Root, "native-tests", "verdicts");

    public static string Sample(string scenario) => Path.Combine(Root, "samples", scenario);
}
