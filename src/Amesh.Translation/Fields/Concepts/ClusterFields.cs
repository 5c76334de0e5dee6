using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Clusters.</summary>
internal static class ClusterFields
{
    private static readonly FieldTreatment _limit = NotYet("there is no such limit");

    public static Concept Concept { get; } = new("Clusters",
    [
        new("envoy.config.cluster.v3.Cluster")
        {
            { "name", Exact("upstreams.name") },
            { "type", Exact("upstreams.nodes, plugins.amesh original_dst", "EDS, STATIC and ORIGINAL_DST; names are told where they stand") },
            { "eds_cluster_config", Exact("upstreams.nodes") },
            { "load_assignment", Exact("upstreams.nodes") },
            { "connect_timeout", Exact("upstreams.timeout.connect") },
            { "lb_policy", Exact("upstreams.type", "ROUND_ROBIN, LEAST_REQUEST, RANDOM; another one is told where it stands") },
            { "common_lb_config", Exact("upstreams.nodes[].weight") },
            { "circuit_breakers", Exact("", "see CircuitBreakers.Thresholds") },
            { "filters", Exact("", "none of those that are known does anything to requests") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "transport_socket", Exact("upstreams.scheme") },
            { "transport_socket_matches", Inert("takes effect by an endpoint's metadata, and is told there") },
            { "typed_extension_protocol_options", Exact("upstreams.scheme") },
            { "alt_stat_name", Inert("statistics alone") },
            { "cleanup_interval", Inert("how long Envoy remembers original destinations") },
            { "cluster_type", NotYet("requests to this cluster are answered with 503") },
            { "health_checks", NotYet("endpoints are as healthy as the control plane says", "upstreams.checks") },
            { "outlier_detection", NotYet("endpoints are not ejected", "upstreams.checks.passive") },
            { "upstream_bind_config", NotYet("connections go out from the address that the system chooses") },
            { "upstream_connection_options", NotYet("TCP keepalive is as nginx is configured") },
            { "max_requests_per_connection", NotYet("connections are kept as long as APISIX likes", "upstreams.keepalive_pool.requests") },
            { "ring_hash_lb_config maglev_lb_config", NotYet("hashing is not translated yet", "upstreams.type") },
            { "least_request_lb_config", Exact("upstreams.type amesh_least_request") },
            { "round_robin_lb_config", Exact("upstreams.type roundrobin") },
            { "original_dst_lb_config", NotYet("the destination is always the connection's own") },
            {
                "dns_refresh_rate dns_jitter dns_failure_refresh_rate respect_dns_ttl dns_lookup_family dns_resolvers use_tcp_for_dns_lookups "
                    + "typed_dns_resolver_config",
                NotYet("names are resolved by APISIX's resolver, with its own rules")
            },
            { "http2_protocol_options", NotYet("requests go out as HTTP/1.1", "upstreams.scheme") },
            { "http_protocol_options common_http_protocol_options upstream_http_protocol_options", NotYet("only typed_extension_protocol_options are read") },
            { "protocol_selection", NotYet("requests go out as HTTP/1.1", "upstreams.scheme") },
            { "per_connection_buffer_limit_bytes", Inert("buffers are as nginx is configured") },
            { "wait_for_warm_on_init", Inert("a first start waits for what is named") },
            { "load_balancing_policy", NotYet("lb_policy alone is read", "upstreams.type") },
            { "lrs_server lrs_report_endpoint_metrics", NotYet("no load is reported") },
        },
        new("envoy.config.cluster.v3.Cluster.EdsClusterConfig")
        {
            { "eds_config", Exact("") },
            { "service_name", Exact("upstreams.nodes", "the name by which its endpoints come") },
        },
        new("envoy.config.cluster.v3.Cluster.CommonLbConfig")
        {
            { "healthy_panic_threshold", Exact("upstreams.nodes[].weight") },
            { "locality_weighted_lb_config", NotYet(Extensions.Unproven, "upstreams.nodes[].weight") },
            { "zone_aware_lb_config", NotYet("the zone of this proxy is not preferred") },
            { "update_merge_window", Inert("changes are taken as they come") },
            { "ignore_new_hosts_until_first_hc", Inert("only with health_checks") },
            { "close_connections_on_host_set_change", NotYet("connections are kept") },
            { "consistent_hashing_lb_config", NotYet("hashing is not translated yet") },
        },
        new("envoy.config.cluster.v3.Cluster.RoundRobinLbConfig")
        {
            { "slow_start_config", NotYet("a new endpoint has its whole weight at once") },
        },
        new("envoy.config.cluster.v3.Cluster.LeastRequestLbConfig")
        {
            { "choice_count", NotYet("two endpoints are drawn").Unless(FieldValue.Number(2)) },
            { "active_request_bias", NotYet("the bias is 1") },
            { "slow_start_config", NotYet("a new endpoint has its whole weight at once") },
        },
        new("envoy.config.cluster.v3.Cluster.SlowStartConfig", NotYet("a new endpoint has its whole weight at once")),
        new("envoy.config.cluster.v3.Cluster.RingHashLbConfig", NotYet("hashing is not translated yet", "upstreams.type")),
        new("envoy.config.cluster.v3.Cluster.MaglevLbConfig", NotYet("hashing is not translated yet", "upstreams.type")),
        new("envoy.config.cluster.v3.Cluster.TransportSocketMatch", Inert("takes effect by an endpoint's metadata, and is told there")),
        new("envoy.config.cluster.v3.Cluster.CustomClusterType", NotYet("requests to this cluster are answered with 503")),
        new("envoy.extensions.clusters.aggregate.v3.ClusterConfig", NotYet("clusters of clusters are not translated yet; requests get 503")),
        new("envoy.config.cluster.v3.CircuitBreakers")
        {
            { "thresholds", Exact("", "see CircuitBreakers.Thresholds") },
            { "per_host_thresholds", _limit },
        },
        new("envoy.config.cluster.v3.CircuitBreakers.Thresholds")
        {
            { "priority", Inert("there is no limit to hold for one priority alone") },
            { "max_connections max_pending_requests max_requests max_retries", _limit.Unless(FieldValue.Unlimited) },
            { "max_connection_pools retry_budget", _limit },
            { "track_remaining", Inert("statistics alone") },
        },
        new("envoy.config.cluster.v3.OutlierDetection", NotYet("endpoints are not ejected", "upstreams.checks.passive")),
        new("envoy.config.cluster.v3.Filter")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
        },
        new("envoy.config.cluster.v3.UpstreamConnectionOptions", NotYet("TCP keepalive is as nginx is configured")),
        new("envoy.config.core.v3.TcpKeepalive", NotYet("TCP keepalive is as nginx is configured")),
        new("envoy.config.core.v3.BindConfig", NotYet("connections go out from the address that the system chooses")),
        new("envoy.config.core.v3.HealthCheck", NotYet("endpoints are as healthy as the control plane says", "upstreams.checks.active")),
        new("envoy.config.core.v3.HealthCheck.HttpHealthCheck", NotYet("endpoints are as healthy as the control plane says", "upstreams.checks.active")),
        new("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", Inert("names are resolved by APISIX's resolver")),
    ]);
}
