using Amesh.Apisix;
using Amesh.Dns;
using Amesh.Translation.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Extensions.Clusters.Aggregate.V3;

namespace Amesh.Translation.Clusters;

/// <summary>How a cluster finds its endpoints.</summary>
internal enum ClusterKind
{
    /// <summary>No such cluster has come.</summary>
    Missing,

    /// <summary>Endpoints by EDS.</summary>
    Eds,

    /// <summary>Endpoints written in the cluster, by address or by name.</summary>
    Inline,

    /// <summary>The connection's own destination.</summary>
    OriginalDst,

    /// <summary>The endpoints of other clusters, each a priority after the one before.</summary>
    Aggregate,

    /// <summary>Not translated yet.</summary>
    Other,
}

/// <summary>What is kept of a cluster: all that its upstream is made from, and nothing else of a message of kilobytes.</summary>
/// <param name="Name">The cluster's.</param>
/// <param name="Kind">How it finds its endpoints.</param>
internal sealed record ClusterModel(string Name, ClusterKind Kind)
{
    // Envoy's default for Cluster.connect_timeout.
    private const double DefaultConnectTimeout = 5;

    // Envoy's default for CommonLbConfig.healthy_panic_threshold, in percent.
    private const double DefaultPanicThreshold = 50;

    /// <summary>The name that its endpoints come by, under EDS.</summary>
    public string AssignmentName { get; init; } = Name;

    /// <summary>How an endpoint is chosen.</summary>
    public BalancingPolicy Balancing { get; init; } = BalancingPolicy.RoundRobin;

    /// <summary>Seconds.</summary>
    public double ConnectTimeout { get; init; } = DefaultConnectTimeout;

    /// <summary>Percent of endpoints that must be healthy for health to count at all.</summary>
    public double PanicThreshold { get; init; } = DefaultPanicThreshold;

    /// <summary>Whether a priority in panic gets no requests, where others would spread them over all endpoints.</summary>
    public bool FailsOnPanic { get; init; }

    /// <summary>The label of circuit breakers.</summary>
    public string? CircuitBreakers { get; init; }

    /// <summary>How endpoints are checked; null where they are not.</summary>
    public HealthChecking? Checking { get; init; }

    /// <summary>The label of outlier detection.</summary>
    public string? OutlierEjection { get; init; }

    /// <summary>Whether a good health check ends an ejection.</summary>
    public bool UnejectsHealthy { get; init; } = true;

    /// <summary>How endpoints are connected to.</summary>
    public TransportSockets Sockets { get; init; } = TransportSockets.Plain;

    /// <summary>The label of endpoints that are spoken to in HTTP/2; null for HTTP/1.1.</summary>
    public string? Http2 { get; init; }

    /// <summary>The endpoints that are written in the cluster.</summary>
    public Assignment Inline { get; init; } = Assignment.None;

    /// <summary>How names among the endpoints are looked up; null where there can be none.</summary>
    public NameQuery? Lookup { get; init; }

    /// <summary>Whether a name stands for one endpoint, whose address is the first of the answer (LOGICAL_DNS).</summary>
    public bool IsLogical { get; init; }

    /// <summary>How long connections are kept; null for as long as APISIX likes.</summary>
    public KeepalivePool? Pool { get; init; }

    /// <summary>What a cluster of the connection's own destination says besides; null for nothing.</summary>
    public OriginalDestination? OriginalDst { get; init; }

    /// <summary>How endpoints are chosen by their metadata; null where they are not.</summary>
    public SubsetPolicy? Subsets { get; init; }

    /// <summary>The own address that connections come from; null: what the system chooses.</summary>
    public string? BindSource { get; init; }

    /// <summary>The clusters that an aggregate is made of.</summary>
    public IReadOnlyList<string> Members { get; init; } = [];

    public static ClusterModel From(Cluster cluster, IDataReader data, DiagnosticScope diagnostics)
    {
        ClusterConfig? aggregate = AggregateOf(cluster);
        bool byName = cluster.ClusterType is null && cluster.Type is Cluster.Types.DiscoveryType.StrictDns or Cluster.Types.DiscoveryType.LogicalDns;
        double panic = cluster.CommonLbConfig?.HealthyPanicThreshold is { } threshold ? threshold.Value : DefaultPanicThreshold;
        double connectTimeout = cluster.ConnectTimeout is { } timeout ? Durations.Seconds(timeout) : DefaultConnectTimeout;
        TransportSockets sockets = TransportSockets.From(cluster, data, diagnostics);
        SubsetPolicy? subsets = SubsetPolicy.Of(cluster.LbSubsetConfig);
        return new ClusterModel(cluster.Name, aggregate is null ? KindOf(cluster, sockets, diagnostics) : ClusterKind.Aggregate)
        {
            AssignmentName = cluster.EdsClusterConfig is { ServiceName.Length: > 0 } eds ? eds.ServiceName : cluster.Name,
            Balancing = Within(subsets, BalancingPolicy.Of(cluster, diagnostics)),
            Subsets = subsets,
            ConnectTimeout = connectTimeout,
            Pool = ConnectionPool.Of(cluster),
            OriginalDst = OriginalDestinations.Of(cluster, connectTimeout, diagnostics),
            BindSource = cluster.Type == Cluster.Types.DiscoveryType.OriginalDst ? null : BindSources.Of(cluster, diagnostics),
            PanicThreshold = panic,
            FailsOnPanic = cluster.CommonLbConfig?.ZoneAwareLbConfig?.FailTrafficOnPanic ?? false,
            CircuitBreakers = CircuitBreakerLimits.Translate(cluster.CircuitBreakers),
            Checking = HealthChecks.Of(cluster, diagnostics),
            OutlierEjection = Clusters.OutlierEjection.Translate(cluster.OutlierDetection, panic),
            UnejectsHealthy = cluster.OutlierDetection?.SuccessfulActiveHealthCheckUnejectHost ?? true,
            Sockets = sockets,
            Http2 = UpstreamProtocol.Of(cluster),
            Inline = cluster.LoadAssignment is { } assignment ? Assignment.From(assignment, diagnostics.At("load_assignment")) : Assignment.None,
            Lookup = byName ? NameLookups.Of(cluster, diagnostics) : null,
            IsLogical = byName && cluster.Type == Cluster.Types.DiscoveryType.LogicalDns,
            Members = aggregate is null ? [] : [.. aggregate.Clusters],
        };
    }

    // Within a subset, and all endpoints are one where there are any, localities count only where that is asked for.
    private static BalancingPolicy Within(SubsetPolicy? subsets, BalancingPolicy balancing) =>
        subsets is null || subsets.Config.LocalityWeightAware ? balancing : balancing with { LocalityWeighted = false };

    private static ClusterConfig? AggregateOf(Cluster cluster) =>
        cluster.ClusterType?.TypedConfig is { } config && config.TryUnpack(out ClusterConfig aggregate) ? aggregate : null;

    private static ClusterKind KindOf(Cluster cluster, TransportSockets sockets, DiagnosticScope diagnostics)
    {
        if (cluster.ClusterType is not null)
        {
            diagnostics.NotYet("cluster_type", "requests to this cluster are answered with 503");
            return ClusterKind.Other;
        }

        if (cluster.Type == Cluster.Types.DiscoveryType.OriginalDst && !sockets.All[^1].IsPlain)
        {
            diagnostics.NotYet("transport_socket", "TLS to a connection's own destination; requests to this cluster are answered with 503");
            return ClusterKind.Other;
        }

        return cluster.Type switch
        {
            Cluster.Types.DiscoveryType.Eds => ClusterKind.Eds,
            Cluster.Types.DiscoveryType.OriginalDst => ClusterKind.OriginalDst,
            _ => ClusterKind.Inline,
        };
    }
}
