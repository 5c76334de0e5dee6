using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Endpoints.</summary>
internal static class EndpointFields
{
    public static Concept Concept { get; } = new("Endpoints",
    [
        new("envoy.config.endpoint.v3.ClusterLoadAssignment")
        {
            { "cluster_name", Exact("upstreams.nodes") },
            { "endpoints", Exact("upstreams.nodes") },
            { "policy", Exact("upstreams.nodes[].weight") },
        },
        new("envoy.config.endpoint.v3.ClusterLoadAssignment.Policy")
        {
            { "drop_overloads", Exact("upstreams.labels.amesh_drop") },
            { "overprovisioning_factor weighted_priority_health", Exact("upstreams.nodes[].weight") },
            { "endpoint_stale_after", NotYet("endpoints stay until the control plane takes them back") },
        },
        new("envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload")
        {
            { "category", Inert("statistics alone") },
            { "drop_percentage", Exact("upstreams.labels.amesh_drop") },
        },
        new("envoy.config.endpoint.v3.LocalityLbEndpoints")
        {
            { "lb_endpoints", Exact("upstreams.nodes") },
            { "locality", Inert("the zone of this proxy is not preferred, nor by Envoy without zone_aware_lb_config") },
            { "load_balancing_weight", Exact("upstreams.nodes[].weight", "counts only with locality_weighted_lb_config, as in Envoy") },
            { "priority", Exact("upstreams.nodes[].weight") },
            { "proximity", Inert("Envoy does not read it") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
        },
        new("envoy.config.endpoint.v3.LbEndpoint")
        {
            { "endpoint", Exact("upstreams.nodes") },
            { "health_status", Exact("upstreams.nodes", "only what Envoy would choose is a node") },
            { "load_balancing_weight", Exact("upstreams.nodes[].weight") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "endpoint_name", NotYet("the endpoint is left out") },
        },
        new("envoy.config.endpoint.v3.Endpoint")
        {
            { "address", Exact("upstreams.nodes[].host, port") },
            { "hostname", Exact("upstreams.nodes[].domain", "for auto_host_rewrite") },
            { "health_check_config", Exact("", "see Cluster.health_checks") },
            { "additional_addresses", NotYet("the first address is used") },
        },
        new("envoy.config.endpoint.v3.Endpoint.HealthCheckConfig")
        {
            { "port_value hostname address disable_active_health_check", Exact("", "what the library asks") },
        },
        new("envoy.config.core.v3.Locality", Inert("the zone of this proxy is not preferred, nor by Envoy without zone_aware_lb_config")),
        new("envoy.config.core.v3.Address")
        {
            { "socket_address", Exact("upstreams.nodes[].host, port; listeners.address, port") },
            { "pipe", NotYet("Unix sockets are not called") },
            { "envoy_internal_address", Refused("a listener inside Envoy: there is none in nginx") },
        },
        new("envoy.config.core.v3.SocketAddress")
        {
            { "address port_value", Exact("upstreams.nodes[].host, port; listeners.address, port") },
            { "protocol", NotYet("UDP is not taken") },
            { "named_port resolver_name", NotYet("there is no such resolver") },
            { "ipv4_compat", NotYet("an IPv6 listener takes IPv6 alone") },
        },
        new("envoy.config.core.v3.Pipe", NotYet("Unix sockets are not called")),
        new("envoy.config.core.v3.Metadata")
        {
            {
                "filter_metadata",
                Inert("labels; only those keys have an effect that are told")
                    .But("envoy.transport_socket_match", Exact("upstreams.labels.amesh_tls, amesh_groups", "see Cluster.transport_socket_matches"))
                    .But("istio", Inert("where a resource comes from: diagnostics and labels say it"))
                    .But("envoy.lb", Exact("upstreams.nodes", "see Cluster.lb_subset_config"))
            },
            { "typed_filter_metadata", Inert("no filter that is translated reads it") },
        },
    ]);
}
