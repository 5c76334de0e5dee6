using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Where a route sends requests.</summary>
internal static class RouteActionFields
{
    public static Concept Concept { get; } = new("Route actions",
    [
        new("envoy.config.route.v3.RouteAction")
        {
            { "cluster", Exact("routes.upstream_id") },
            { "weighted_clusters", Exact("plugins.amesh clusters") },
            { "timeout", Exact("plugins.amesh timeout") },
            { "retry_policy", Exact("plugins.amesh retry", "a body is sent again when it is whole and kept, see per_request_buffer_limit_bytes") },
            { "max_stream_duration", Exact("", "see RouteAction.MaxStreamDuration") },
            { "max_grpc_timeout grpc_timeout_offset", Exact("plugins.amesh max_grpc_timeout, grpc_timeout_offset") },
            { "cluster_not_found_response_code", Exact("plugins.amesh not_found_status") },
            { "idle_timeout", Near("plugins.amesh idle_timeout", "counts from the endpoint's side alone") },
            { "hash_policy", Exact("plugins.amesh hash") },
            { "prefix_rewrite regex_rewrite", Exact("plugins.amesh rewrite") },
            { "path_rewrite_policy", NotYet("the path is left as it is") },
            { "host_rewrite_literal", Exact("plugins.amesh host_rewrite") },
            { "host_rewrite_header auto_host_rewrite host_rewrite_path_regex", Exact("plugins.amesh host_rewrite") },
            { "append_x_forwarded_host", Exact("plugins.amesh append_forwarded_host") },
            {
                "request_mirror_policies",
                Exact("plugins.amesh mirrors", "copies go out when the whole body is there; one that is not kept (see per_request_buffer_limit_bytes) is not copied")
            },
            { "cluster_header", Exact("plugins.amesh cluster_header", "a cluster of the connection's own destination cannot be named: 503") },
            { "cluster_specifier_plugin inline_cluster_specifier_plugin", NotYet("such a route answers 503") },
            { "metadata_match", Exact("routes.upstream_id", "an upstream for each subset; see Cluster.lb_subset_config. In front of an aggregate it is told where it stands") },
            { "cors", NotYet("only the filter's own configuration is read", "plugins.amesh cors") },
            { "rate_limits include_vh_rate_limits", NotYet("there is no limit") },
            { "upgrade_configs", Near("plugins.amesh upgrades", "CONNECT is refused by nginx, with 405") },
            { "internal_redirect_policy internal_redirect_action max_internal_redirects", NotYet("redirects go to the client") },
            { "hedge_policy", NotYet("no request is sent twice") },
            { "priority", Exact("plugins.amesh priority", "which circuit breakers count") },
        },
        new("envoy.config.route.v3.RouteAction.MaxStreamDuration")
        {
            { "max_stream_duration", Near("plugins.amesh max_stream", "an HTTP/2 client whose answer stops in the middle is cut off when its endpoint was silent for so long") },
            { "grpc_timeout_header_max grpc_timeout_header_offset", Exact("plugins.amesh max_stream") },
        },
        new("envoy.config.route.v3.RouteAction.UpgradeConfig")
        {
            { "upgrade_type enabled", Exact("plugins.amesh upgrades") },
            { "connect_config", NotYet("CONNECT is refused by nginx, with 405") },
        },
        new("envoy.config.route.v3.WeightedCluster")
        {
            { "clusters", Exact("plugins.amesh clusters") },
            { "total_weight", Inert("the sum of the weights, which counts anyway") },
            { "runtime_key_prefix", Inert("Amesh has no runtime that could override weights") },
            { "header_name", NotYet("the cluster is drawn at random") },
        },
        new("envoy.config.route.v3.WeightedCluster.ClusterWeight")
        {
            { "name weight", Exact("plugins.amesh clusters[].upstream_id, weight") },
            { "request_headers_to_add request_headers_to_remove", Exact("plugins.amesh clusters[].request_headers") },
            { "response_headers_to_add response_headers_to_remove", Exact("plugins.amesh clusters[].response_headers") },
            { "host_rewrite_literal", Exact("plugins.amesh clusters[].host_rewrite") },
            { "cluster_header", Exact("plugins.amesh clusters[].cluster_header") },
            { "metadata_match", Exact("plugins.amesh clusters[].upstream_id", "with what the route asks for") },
            { "typed_per_filter_config", NotYet("filters are configured as the route says; where it is of one that refuses, the route lets nobody through") },
        },
        new("envoy.config.route.v3.RouteAction.RequestMirrorPolicy")
        {
            { "cluster runtime_fraction disable_shadow_host_suffix_append", Exact("plugins.amesh mirrors") },
            { "trace_sampled", Inert("without tracing there is nothing to sample") },
        },
        new("envoy.config.route.v3.RouteAction.HashPolicy")
        {
            { "header cookie connection_properties query_parameter terminal", Exact("plugins.amesh hash") },
        },
        new("envoy.config.route.v3.RouteAction.HashPolicy.Header")
        {
            { "header_name", Exact("plugins.amesh hash") },
        },
        new("envoy.config.route.v3.RouteAction.HashPolicy.Cookie")
        {
            { "name ttl path", Exact("plugins.amesh hash") },
        },
        new("envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties")
        {
            { "source_ip", Exact("plugins.amesh hash") },
        },
        new("envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter")
        {
            { "name", Exact("plugins.amesh hash") },
        },
        new("envoy.type.matcher.v3.RegexMatchAndSubstitute")
        {
            { "pattern substitution", Exact("plugins.amesh rewrite") },
        },
    ]);
}
