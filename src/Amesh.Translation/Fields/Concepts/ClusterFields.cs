using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Clusters.</summary>
internal static class ClusterFields
{
    private const string Outliers = "upstreams.labels.amesh_outlier_detection";

    private const string Circuits = "upstreams.labels.amesh_circuit_breaker, original_dst_from.circuit_breaker";
    private const string Balancing = "upstreams.labels.amesh_balancing";
    private const string HashNote = "highest random weight: no ring or table whose size could be set, and other endpoints for the same keys";
    private const string ZoneAware = "only where Envoy's bootstrap names a local cluster, which a mesh's does not";

    private static readonly FieldTreatment _limit = NotYet("there is no such limit");

    public static Concept Concept { get; } = new("Clusters",
    [
        new("envoy.config.cluster.v3.Cluster")
        {
            { "name", Exact("upstreams.name") },
            { "type", Exact("upstreams.nodes, plugins.amesh original_dst", "the library looks names up: all addresses for STRICT_DNS, the first for LOGICAL_DNS") },
            { "eds_cluster_config", Exact("upstreams.nodes") },
            { "load_assignment", Exact("upstreams.nodes") },
            { "connect_timeout", Exact("upstreams.timeout.connect") },
            { "lb_policy", Exact("upstreams.type", "another one than those of Envoy's API is told where it stands") },
            { "common_lb_config", Exact("upstreams.nodes[].weight") },
            { "circuit_breakers", Exact("", "see CircuitBreakers.Thresholds") },
            { "filters", Exact("", "none of those that are known does anything to requests") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "transport_socket", Exact("upstreams.labels.amesh_tls, tls_contexts", "one that is not known is told where it stands, and gets 503") },
            { "transport_socket_matches", Exact("upstreams.labels.amesh_groups", "where endpoints differ, one way is drawn by weight, then one of its endpoints") },
            { "typed_extension_protocol_options", Exact("upstreams.scheme") },
            { "alt_stat_name", Inert("statistics alone") },
            { "cleanup_interval", Inert("how long Envoy remembers original destinations") },
            { "cluster_type", Exact("upstreams.labels.amesh_groups", "the aggregate; another one is told where it stands") },
            { "health_checks", Near("upstreams.nodes", "the library checks, once for all workers; x-envoy-immediate-health-check-fail counts in answers to checks alone") },
            { "outlier_detection", Exact("upstreams.labels.amesh_outlier_detection", "see OutlierDetection") },
            { "upstream_bind_config", Exact("upstreams.labels.amesh_bind_source, original_dst_from.bind_source") },
            { "upstream_connection_options", NotYet("TCP keepalive is as nginx is configured") },
            { "max_requests_per_connection", Exact("upstreams.keepalive_pool.requests") },
            { "ring_hash_lb_config maglev_lb_config", Near("upstreams.type amesh_hash", HashNote) },
            { "least_request_lb_config", Exact("upstreams.type amesh_least_request") },
            { "round_robin_lb_config", Exact("upstreams.type roundrobin") },
            { "original_dst_lb_config", Exact("plugins.amesh original_dst_from") },
            {
                "dns_refresh_rate dns_jitter dns_failure_refresh_rate respect_dns_ttl dns_lookup_family dns_resolvers use_tcp_for_dns_lookups "
                    + "typed_dns_resolver_config",
                Exact("upstreams.nodes")
            },
            { "http2_protocol_options", Near("upstreams.labels.amesh_http2", "as HttpProtocolOptions has it") },
            { "http_protocol_options common_http_protocol_options", NotYet("only typed_extension_protocol_options are read") },
            { "upstream_http_protocol_options", Exact("tls_contexts.auto_sni, auto_san") },
            { "protocol_selection", Near("upstreams.labels.amesh_http2", "as HttpProtocolOptions has it") },
            { "per_connection_buffer_limit_bytes", Inert("buffers are as nginx is configured") },
            { "wait_for_warm_on_init", Inert("a first start waits for what is named") },
            { "load_balancing_policy", Exact("upstreams.type", "the first policy that is known, as in Envoy") },
            { "ignore_health_on_host_removal", Exact("upstreams.nodes") },
            { "close_connections_on_host_health_failure", NotYet("open connections stay") },
            { "lb_subset_config", Exact("upstreams", "an upstream for each subset that a route names") },
            { "lrs_server lrs_report_endpoint_metrics", NotYet("no load is reported") },
        },
        new("envoy.config.cluster.v3.Cluster.LbSubsetConfig")
        {
            { "subset_selectors fallback_policy default_subset list_as_any panic_mode_any", Exact("upstreams.nodes") },
            { "locality_weight_aware scale_locality_weight", Exact("upstreams.nodes[].weight") },
            { "metadata_fallback_policy", NotYet("only what the route itself asks for is looked for") },
        },
        new("envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector")
        {
            { "keys fallback_policy fallback_keys_subset", Exact("upstreams.nodes") },
            { "single_host_per_subset", NotYet("all endpoints of the subset are taken") },
        },
        new("envoy.config.cluster.v3.Cluster.EdsClusterConfig")
        {
            { "eds_config", Exact("") },
            { "service_name", Exact("upstreams.nodes", "the name by which its endpoints come") },
        },
        new("envoy.config.cluster.v3.Cluster.CommonLbConfig")
        {
            { "healthy_panic_threshold", Exact("upstreams.nodes[].weight") },
            { "locality_weighted_lb_config", Exact("upstreams.nodes[].weight") },
            { "zone_aware_lb_config", Exact("upstreams.nodes[].weight", "prefers a zone only where Envoy's bootstrap names a local cluster, which a mesh's does not") },
            { "update_merge_window", Inert("changes are taken as they come") },
            { "ignore_new_hosts_until_first_hc", Exact("upstreams.nodes") },
            { "close_connections_on_host_set_change", NotYet("connections are kept") },
            { "consistent_hashing_lb_config", NotYet("hashing is by address, and without bounded loads") },
        },
        new("envoy.config.cluster.v3.Cluster.RoundRobinLbConfig")
        {
            { "slow_start_config", Exact(Balancing, "then endpoints are drawn by chance and do not take turns") },
        },
        new("envoy.config.cluster.v3.Cluster.LeastRequestLbConfig")
        {
            { "choice_count active_request_bias slow_start_config", Exact(Balancing) },
        },
        new("envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig")
        {
            { "fail_traffic_on_panic", Exact("upstreams.nodes") },
            { "routing_enabled min_cluster_size", Inert(ZoneAware) },
        },
        new("envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig"),
        new("envoy.config.cluster.v3.Cluster.RefreshRate")
        {
            { "base_interval max_interval", Exact("upstreams.nodes") },
        },
        new("envoy.config.cluster.v3.Cluster.SlowStartConfig")
        {
            { "slow_start_window aggression min_weight_percent", Exact(Balancing) },
        },
        new("envoy.config.cluster.v3.Cluster.RingHashLbConfig", Inert("told by ring_hash_lb_config")),
        new("envoy.config.cluster.v3.Cluster.MaglevLbConfig", Inert("told by maglev_lb_config")),
        new("envoy.config.cluster.v3.Cluster.OriginalDstLbConfig")
        {
            { "use_http_header http_header_name upstream_port_override", Exact("plugins.amesh original_dst_from") },
            { "metadata_key", NotYet("no filter that is translated sets metadata") },
        },
        new("envoy.config.cluster.v3.Cluster.TransportSocketMatch")
        {
            { "name match transport_socket", Exact("upstreams.labels.amesh_tls, amesh_groups") },
        },
        new("envoy.config.cluster.v3.Cluster.CustomClusterType")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("upstreams.labels.amesh_groups") },
        },
        new("envoy.extensions.clusters.aggregate.v3.ClusterConfig")
        {
            { "clusters", Exact("upstreams.labels.amesh_groups", "an endpoint that is ejected counts for the cluster's health as in Envoy") },
        },
        new("envoy.config.cluster.v3.LoadBalancingPolicy")
        {
            { "policies", Exact("upstreams.type") },
        },
        new("envoy.config.cluster.v3.LoadBalancingPolicy.Policy")
        {
            { "typed_extension_config", Exact("upstreams.type") },
        },
        new("envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin")
        {
            { "slow_start_config", Exact(Balancing, "then endpoints are drawn by chance and do not take turns") },
            { "locality_lb_config", Exact("upstreams.nodes[].weight") },
        },
        new("envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest")
        {
            { "choice_count active_request_bias slow_start_config", Exact(Balancing) },
            { "locality_lb_config", Exact("upstreams.nodes[].weight") },
            { "selection_method", Exact(Balancing, "FULL_SCAN is told where it stands") },
        },
        new("envoy.extensions.load_balancing_policies.random.v3.Random")
        {
            { "locality_lb_config", Exact("upstreams.nodes[].weight") },
        },
        new("envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash")
        {
            { "hash_function minimum_ring_size maximum_ring_size", Near("upstreams.type amesh_hash", HashNote) },
            { "consistent_hashing_lb_config", NotYet("hashing is by address, and without bounded loads") },
            { "locality_weighted_lb_config", Exact("upstreams.nodes[].weight") },
        },
        new("envoy.extensions.load_balancing_policies.maglev.v3.Maglev")
        {
            { "table_size", Near("upstreams.type amesh_hash", HashNote) },
            { "consistent_hashing_lb_config", NotYet("hashing is by address, and without bounded loads") },
            { "locality_weighted_lb_config", Exact("upstreams.nodes[].weight") },
        },
        new("envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality")
        {
            { "endpoint_picking_policy", Exact("upstreams.type") },
        },
        new("envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig")
        {
            { "zone_aware_lb_config", Inert(ZoneAware) },
            { "locality_weighted_lb_config", Exact("upstreams.nodes[].weight") },
        },
        new("envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.LocalityWeightedLbConfig"),
        new("envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig")
        {
            { "slow_start_window aggression min_weight_percent", Exact(Balancing) },
        },
        new("envoy.config.cluster.v3.CircuitBreakers")
        {
            { "thresholds", Exact("", "see CircuitBreakers.Thresholds") },
            { "per_host_thresholds", _limit },
        },
        new("envoy.config.cluster.v3.CircuitBreakers.Thresholds")
        {
            { "priority", Exact(Circuits) },
            { "max_connections", Near(Circuits, "requests at a time under HTTP/1.1, where connections that are kept idle do not count; TCP connections; a cluster that has both counts each for itself").Unless(FieldValue.Unlimited) },
            { "max_pending_requests", Near(Circuits, "requests that wait for a connection; those whose own connection is being made do not count; of TCP connections, which are never waited for, only 0 is kept").Unless(FieldValue.Unlimited) },
            { "max_requests max_retries retry_budget", Exact(Circuits, "Envoy's defaults hold only beside a limit that is given") },
            { "max_connection_pools", _limit },
            { "track_remaining", Inert("statistics alone") },
        },
        new("envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget")
        {
            { "budget_percent min_retry_concurrency", Exact(Circuits) },
        },
        new("envoy.config.cluster.v3.OutlierDetection")
        {
            {
                "consecutive_5xx consecutive_gateway_failure consecutive_local_origin_failure enforcing_consecutive_5xx enforcing_consecutive_gateway_failure "
                    + "enforcing_consecutive_local_origin_failure split_external_local_origin_errors max_ejection_percent max_ejection_time",
                Exact(Outliers)
            },
            { "base_ejection_time", Near(Outliers, "an endpoint comes back when its time is over, not at the next interval after it") },
            { "interval", Near(Outliers, "an interval of success rates and failure percentages ends with the first request after it") },
            {
                "success_rate_minimum_hosts success_rate_request_volume success_rate_stdev_factor failure_percentage_threshold "
                    + "failure_percentage_minimum_hosts failure_percentage_request_volume enforcing_success_rate enforcing_local_origin_success_rate "
                    + "enforcing_failure_percentage enforcing_failure_percentage_local_origin max_ejection_time_jitter always_eject_one_host",
                Exact(Outliers)
            },
            { "successful_active_health_check_uneject_host", Exact("upstreams.nodes") },
        },
        new("envoy.config.cluster.v3.Filter")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
        },
        new("envoy.config.cluster.v3.UpstreamConnectionOptions", NotYet("TCP keepalive is as nginx is configured")),
        new("envoy.config.core.v3.TcpKeepalive", NotYet("TCP keepalive is as nginx is configured")),
        new("envoy.config.core.v3.BindConfig", NotYet("connections go out from the address that the system chooses")),
        new("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig")
        {
            { "resolvers use_resolvers_as_fallback dns_resolver_options", Exact("upstreams.nodes") },
            { "filter_unroutable_families", NotYet("both families are asked for, whatever interfaces there are") },
            { "udp_max_queries", Inert("every question has a socket of its own") },
        },
        new("envoy.config.core.v3.DnsResolverOptions")
        {
            { "use_tcp_for_dns_lookups no_default_search_domain", Exact("upstreams.nodes") },
        },
    ]);
}
