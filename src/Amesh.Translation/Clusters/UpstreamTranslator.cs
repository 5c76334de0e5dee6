using System.Globalization;
using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>A cluster and its endpoints as an APISIX upstream.</summary>
internal static class UpstreamTranslator
{
    /// <summary>The label of an upstream that answers some requests with 503 for nothing, in parts per million.</summary>
    public const string DropLabel = "amesh_drop";

    /// <summary>The upstream of a cluster that has come.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="assignment">Its endpoints; none where its assignment has not come or is empty, which is 503.</param>
    public static Upstream Translate(ClusterModel cluster, Assignment assignment) => new()
    {
        Id = Names.UpstreamId(cluster.Name),
        Name = Names.Readable(cluster.Name),
        Type = cluster.Balancing.Type,
        Nodes = NodeWeights.Of(cluster, assignment),
        Timeout = new UpstreamTimeout(cluster.ConnectTimeout, Durations.Unlimited, Durations.Unlimited),
        KeepalivePool = cluster.Pool,
        PassHost = "pass",
        Scheme = cluster.Tls is null ? "http" : "https",
        Labels = Labels(cluster, assignment),
    };

    /// <summary>
    /// What stands for a cluster that routes name and that is not there: Envoy keeps such a route and answers 503, while
    /// APISIX would answer 502 for an upstream that does not exist.
    /// </summary>
    public static Upstream Missing(string cluster) => new()
    {
        Id = Names.UpstreamId(cluster),
        Name = Names.Readable(cluster),
        Type = "roundrobin",
        Nodes = [],
    };

    private static SortedDictionary<string, string>? Labels(ClusterModel cluster, Assignment assignment)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        void Set(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                labels[name] = value;
            }
        }

        Set(BalancingPolicy.Label, cluster.Balancing.Settings);
        Set(CircuitBreakerLimits.Label, cluster.CircuitBreakers);
        Set(DropLabel, assignment.Dropped == 0 ? null : assignment.Dropped.ToString(CultureInfo.InvariantCulture));
        Set(OutlierEjection.Label, cluster.OutlierEjection);
        Set(UpstreamTls.Label, cluster.Tls?.Sni);
        Set(UpstreamProtocol.Label, cluster.Http2);
        return labels.Count == 0 ? null : labels;
    }
}
