using System.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>Where the repository is, whatever folder the tests run from.</summary>
internal static class Repository
{
    public static string Root { get; } = typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;
}
