using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Listeners and filter chains.</summary>
internal static class ListenerFields
{
    public static Concept Concept { get; } = new("Listeners",
    [
        new("envoy.config.listener.v3.Listener")
        {
            { "name", Exact("listeners.name") },
            { "address", Exact("listeners.address, port", "which ports APISIX listens on is its own configuration") },
            { "filter_chains default_filter_chain", Exact("listeners") },
            { "traffic_direction", Exact("listeners.direction") },
            { "use_original_dst", Exact("listeners.original_dst", "handoff: to the listener that is for the original destination") },
            { "listener_filters", Exact("", "see the extensions") },
            {
                "listener_filters_timeout continue_on_listener_filters_timeout",
                Exact("listeners.inspect_timeout, continue_on_timeout", "a port of HTTP alone waits for a request's line as nginx is configured")
            },
            { "bind_to_port", Exact("listeners.bound", "which ports APISIX listens on is its own configuration") },
            { "max_connections_to_accept_per_socket_event enable_reuse_port reuse_port tcp_backlog_size", Inert("accepting is as nginx is configured") },
            { "stat_prefix", Inert("statistics alone") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "access_log", NotYet("access logs are not translated yet", "plugins.file-logger") },
            { "additional_addresses", Exact("listeners.address, port", "one object for each address") },
            { "filter_chain_matcher", NotYet("the chains' own filter_chain_match alone is read") },
            { "per_connection_buffer_limit_bytes", Near("listeners.buffer_limit", RouteFields.Kept) },
            { "drain_type", Inert("nginx drains by its own rules") },
        },
        new("envoy.config.listener.v3.FilterChain")
        {
            { "name", Exact("listeners") },
            { "filter_chain_match", Exact("listeners") },
            { "filters", Exact("listeners") },
            { "transport_socket", Exact("listeners.chains[].tls", "see the extensions") },
            { "transport_socket_connect_timeout", NotYet("handshakes last as long as nginx is configured to") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "use_proxy_proto", NotYet("the PROXY protocol is not read") },
        },
        new("envoy.config.listener.v3.FilterChainMatch")
        {
            { "destination_port", Exact("listeners.destination_port") },
            { "prefix_ranges", Exact("listeners.destination_prefix") },
            { "transport_protocol", Exact("listeners.chains[].transport") },
            { "application_protocols", Exact("listeners.chains[].alpn") },
            { "server_names", Exact("listeners.chains[].server_names") },
            { "source_type source_prefix_ranges source_ports", Exact("listeners.chains[].source_type, source_prefixes, source_ports") },
            { "direct_source_prefix_ranges", Exact("listeners.chains[].direct_source_prefixes", "the PROXY protocol is not read, so they are the source's own") },
            { "address_suffix suffix_len", Inert("Envoy does not read it") },
        },
        new("envoy.config.listener.v3.Filter")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("listeners") },
            { "config_discovery", NotYet("extensions on demand are not asked for") },
        },
        new("envoy.config.listener.v3.ListenerFilter")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
            { "filter_disabled", Exact("listeners.inspect, inspect_except") },
            { "config_discovery", NotYet("extensions on demand are not asked for") },
        },
        new("envoy.config.listener.v3.ListenerFilterChainMatchPredicate")
        {
            { "or_match and_match not_match any_match destination_port_range", Exact("listeners.inspect, inspect_except") },
        },
        new("envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet")
        {
            { "rules", Exact("listeners.inspect, inspect_except") },
        },
        new("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector")
        {
            { "initial_read_buffer_size", Inert("how the first bytes are read changes nothing of what they say") },
            { "enable_ja3_fingerprinting", NotYet("no fingerprints are made") },
        },
        new("envoy.config.core.v3.CidrRange")
        {
            { "address_prefix prefix_len", Exact("listeners.destination_prefix, chains[].source_prefixes") },
        },
        new("envoy.config.core.v3.TransportSocket")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
        },
    ]);
}
