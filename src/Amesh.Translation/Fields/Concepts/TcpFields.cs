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
            { "cluster", Exact("stream_routes.upstream_id, plugins.amesh clusters") },
            { "weighted_clusters", Exact("stream_routes.plugins.amesh clusters") },
            { "metadata_match", Exact("stream_routes.upstream_id, plugins.amesh clusters", "as RouteAction has it") },
            { "stat_prefix", Inert("statistics alone") },
            { "idle_timeout", Exact("stream_routes.plugins.amesh idle_timeout") },
            { "max_connect_attempts", Exact("stream_routes.plugins.amesh max_connect_attempts") },
            { "hash_policy", Exact("stream_routes.plugins.amesh hash_source_ip", "see HashPolicy") },
            { "access_log", NotYet("access logs are not translated yet", "plugins.file-logger") },
        },
        new(Proxy + ".WeightedCluster")
        {
            { "clusters", Exact("stream_routes.plugins.amesh clusters") },
        },
        new(Proxy + ".WeightedCluster.ClusterWeight")
        {
            { "name weight", Exact("stream_routes.plugins.amesh clusters[].upstream_id, weight") },
            { "metadata_match", Exact("stream_routes.plugins.amesh clusters[].upstream_id", "with what the proxy asks for") },
        },
        new("envoy.type.v3.HashPolicy")
        {
            { "source_ip", Exact("stream_routes.plugins.amesh hash_source_ip", "the first policy is the one that counts") },
            { "filter_state", NotYet("no filter leaves a state; chance decides") },
        },
    ]);
}
