using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>A cluster and its endpoints as an APISIX upstream.</summary>
internal static class UpstreamTranslator
{
    /// <summary>The upstream of a cluster that has come.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="groups">Its endpoints; empty where its assignment has not come or is empty, which is 503.</param>
    public static Upstream Translate(ClusterModel cluster, IReadOnlyList<EndpointGroup> groups) => new()
    {
        Id = Names.UpstreamId(cluster.Name),
        Name = Names.Readable(cluster.Name),
        Type = cluster.Balancer,
        Nodes = NodeWeights.Of(cluster, groups),
        Timeout = new UpstreamTimeout(cluster.ConnectTimeout, Durations.Unlimited, Durations.Unlimited),
        PassHost = "pass",
        Scheme = cluster.Tls is null ? "http" : "https",
        Labels = Labels(cluster),
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

    private static SortedDictionary<string, string>? Labels(ClusterModel cluster)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (cluster.OutlierEjection is { } ejection)
        {
            labels[OutlierEjection.Label] = ejection;
        }

        if (cluster.Tls is { Sni.Length: > 0 } tls)
        {
            labels[UpstreamTls.Label] = tls.Sni;
        }

        return labels.Count == 0 ? null : labels;
    }
}
