using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Route configurations and virtual hosts.</summary>
internal static class RouteConfigurationFields
{
    public static Concept Concept { get; } = new("Route configurations and virtual hosts",
    [
        new("envoy.config.route.v3.RouteConfiguration")
        {
            { "name", Exact("virtual_hosts.route_config") },
            { "virtual_hosts", Exact("virtual_hosts") },
            { "ignore_port_in_host_matching", Exact("virtual_hosts.ignore_port") },
            { "validate_clusters", Inert("a cluster that is not there answers 503, as Envoy with validate_clusters: false; nothing is refused for it") },
            { "max_direct_response_body_size_bytes", Inert("a limit on what the control plane may send, not on requests") },
            { "typed_per_filter_config", Exact("routes.plugins") },
            { "request_headers_to_add request_headers_to_remove", Exact("plugins.amesh request_headers") },
            { "response_headers_to_add response_headers_to_remove", Exact("plugins.amesh response_headers") },
            { "most_specific_header_mutations_wins", Exact("plugins.amesh request_headers, response_headers", "the order of the levels") },
            { "request_mirror_policies", Exact("plugins.amesh mirrors") },
            { "internal_only_headers", Exact("plugins.amesh internal_only") },
            { "vhds", NotYet("virtual hosts on demand are not asked for") },
        },
        new("envoy.config.route.v3.VirtualHost")
        {
            { "name", Exact("virtual_hosts.name") },
            { "domains", Exact("virtual_hosts.domains, routes.hosts") },
            { "routes", Exact("routes, virtual_hosts.routes", "in Envoy's order, by priority") },
            { "include_request_attempt_count", Exact("plugins.amesh attempt_count") },
            { "include_attempt_count_in_response", Exact("plugins.amesh attempt_count_in_response") },
            { "typed_per_filter_config", Exact("routes.plugins") },
            { "retry_policy", Exact("plugins.amesh retry", "where a route has none of its own") },
            { "require_tls", Exact("plugins.amesh redirect", "a route before all others") },
            { "request_headers_to_add request_headers_to_remove", Exact("plugins.amesh request_headers") },
            { "response_headers_to_add response_headers_to_remove", Exact("plugins.amesh response_headers") },
            { "request_mirror_policies", Exact("plugins.amesh mirrors") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "virtual_clusters", Inert("statistics alone") },
            { "per_request_buffer_limit_bytes", Near("plugins.amesh body_limit", RouteFields.Kept) },
        },
    ]);
}
