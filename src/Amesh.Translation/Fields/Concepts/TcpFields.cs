using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>TCP proxies.</summary>
internal static class TcpFields
{
    private const string Proxy = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

    public static Concept Concept { get; } = new("TCP proxies",
    [
        new(Proxy)
        {
            { "cluster", Exact("routes.upstream_id, plugins.amesh original_dst") },
            { "weighted_clusters", Exact("plugins.amesh clusters") },
            { "stat_prefix", Inert("statistics alone") },
            { "idle_timeout", NotYet("idle connections last as long as nginx is configured to").Unless(FieldValue.ZeroSeconds) },
            { "max_connect_attempts", NotYet("a connection is tried once") },
            { "access_log", NotYet("access logs are not translated yet", "plugins.file-logger") },
        },
        new(Proxy + ".WeightedCluster")
        {
            { "clusters", Exact("plugins.amesh clusters") },
        },
        new(Proxy + ".WeightedCluster.ClusterWeight")
        {
            { "name weight", Exact("plugins.amesh clusters[].upstream_id, weight") },
            { "metadata_match", NotYet("endpoints are not chosen by metadata") },
        },
    ]);
}
