using Envoy.Config.Cluster.V3;

namespace Amesh.Translation.Clusters;

/// <summary>How a cluster finds its endpoints.</summary>
internal enum ClusterKind
{
    /// <summary>No such cluster has come.</summary>
    Missing,

    /// <summary>Endpoints by EDS.</summary>
    Eds,

    /// <summary>Endpoints written in the cluster.</summary>
    Inline,

    /// <summary>The connection's own destination.</summary>
    OriginalDst,

    /// <summary>Not translated yet.</summary>
    Other,
}

/// <summary>What is kept of a cluster: all that its upstream is made from, and nothing else of a message of kilobytes.</summary>
internal sealed record ClusterModel(
    string Name,
    ClusterKind Kind,
    string AssignmentName,
    string Balancer,
    double ConnectTimeout,
    double PanicThreshold,
    bool LocalityWeighted,
    string? OutlierEjection,
    UpstreamTls? Tls,
    EndpointGroup[] Inline)
{
    // Envoy's default for Cluster.connect_timeout.
    private const double DefaultConnectTimeout = 5;

    // Envoy's default for CommonLbConfig.healthy_panic_threshold, in percent.
    private const double DefaultPanicThreshold = 50;

    public static ClusterModel From(Cluster cluster, DiagnosticScope diagnostics) => new(
        cluster.Name,
        KindOf(cluster, diagnostics),
        cluster.EdsClusterConfig is { ServiceName.Length: > 0 } eds ? eds.ServiceName : cluster.Name,
        Balancing.TypeOf(cluster, diagnostics),
        cluster.ConnectTimeout is { } timeout ? Durations.Seconds(timeout) : DefaultConnectTimeout,
        PanicThresholdOf(cluster),
        cluster.CommonLbConfig?.LocalityWeightedLbConfig is not null,
        Clusters.OutlierEjection.Translate(cluster.OutlierDetection, PanicThresholdOf(cluster)),
        UpstreamTls.From(cluster.TransportSocket),
        cluster.LoadAssignment is { } assignment ? EndpointGroup.From(assignment, diagnostics.At("load_assignment")) : []);

    private static double PanicThresholdOf(Cluster cluster) =>
        cluster.CommonLbConfig?.HealthyPanicThreshold is { } threshold ? threshold.Value : DefaultPanicThreshold;

    private static ClusterKind KindOf(Cluster cluster, DiagnosticScope diagnostics)
    {
        switch (cluster.ClusterType is null ? cluster.Type : (Cluster.Types.DiscoveryType)(-1))
        {
            case Cluster.Types.DiscoveryType.Eds:
                return ClusterKind.Eds;
            case Cluster.Types.DiscoveryType.Static:
                return ClusterKind.Inline;
            case Cluster.Types.DiscoveryType.OriginalDst:
                return ClusterKind.OriginalDst;
            case Cluster.Types.DiscoveryType.StrictDns:
            case Cluster.Types.DiscoveryType.LogicalDns:
                diagnostics.NotYet("type", "host names are given to APISIX to resolve, with its resolver's own TTL and failure rules");
                return ClusterKind.Inline;
            default:
                diagnostics.NotYet("cluster_type", "requests to this cluster are answered with 503");
                return ClusterKind.Other;
        }
    }
}
