using Envoy.Config.Core.V3;

namespace Amesh.Xds.Store;

/// <summary>A resource by its type and name.</summary>
internal sealed record ResourceReference(string TypeUrl, string Name)
{
    /// <summary>For people.</summary>
    public override string ToString()
    {
        string kind = TypeUrl switch
        {
            TypeUrls.Cluster => "cluster",
            TypeUrls.ClusterLoadAssignment => "endpoints of",
            TypeUrls.Listener => "listener",
            TypeUrls.RouteConfiguration => "route configuration",
            _ => "secret",
        };
        return $"{kind} {Name.Replace('\n', ' ')}";
    }
}

/// <summary>A resource that another one names, and how long that waits for it before it goes into service without.</summary>
internal sealed record Dependency(ResourceReference Resource, TimeSpan Patience)
{
    // Envoy's default for ConfigSource.initial_fetch_timeout.
    private static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(15);

    // Protobuf's own limit for durations.
    private const long MostSeconds = 315_576_000_000;

    public static Dependency By(ConfigSource? source, string typeUrl, string name)
    {
        // 0 is "as long as it takes".
        TimeSpan patience = source?.InitialFetchTimeout switch
        {
            null => DefaultPatience,
            { Seconds: 0, Nanos: 0 } => TimeSpan.MaxValue,
            var timeout => TimeSpan.FromSeconds(Math.Clamp(timeout.Seconds, 0, MostSeconds)) + TimeSpan.FromTicks(timeout.Nanos / TimeSpan.NanosecondsPerTick),
        };
        return new Dependency(new ResourceReference(typeUrl, name), patience);
    }
}
