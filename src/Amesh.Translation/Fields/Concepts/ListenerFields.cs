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
            { "traffic_direction", Exact("listeners", "outbound; another direction is told where it stands") },
            { "use_original_dst", Exact("listeners", "by the connection's original destination") },
            { "listener_filters", Exact("", "see the extensions") },
            { "listener_filters_timeout continue_on_listener_filters_timeout", Inert("nothing waits for a connection's first bytes") },
            { "bind_to_port", Inert("which ports APISIX listens on is its own configuration") },
            { "max_connections_to_accept_per_socket_event enable_reuse_port reuse_port tcp_backlog_size", Inert("accepting is as nginx is configured") },
            { "stat_prefix", Inert("statistics alone") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "access_log", NotYet("access logs are not translated yet", "plugins.file-logger") },
            { "additional_addresses", NotYet("the first address is used") },
            { "filter_chain_matcher", NotYet("the chains' own filter_chain_match alone is read") },
            { "per_connection_buffer_limit_bytes", Inert("buffers are as nginx is configured") },
            { "drain_type", Inert("nginx drains by its own rules") },
        },
        new("envoy.config.listener.v3.FilterChain")
        {
            { "name", Exact("listeners") },
            { "filter_chain_match", Exact("listeners") },
            { "filters", Exact("listeners") },
            { "transport_socket", Exact("", "see the extensions") },
            { "transport_socket_connect_timeout", Inert("for TLS alone, which is told where it stands") },
            { "metadata", Exact("", "see envoy.config.core.v3.Metadata") },
            { "use_proxy_proto", NotYet("the PROXY protocol is not read") },
        },
        new("envoy.config.listener.v3.FilterChainMatch")
        {
            { "destination_port", Exact("listeners.port") },
            { "prefix_ranges", Exact("listeners.address", "single addresses; a range is told where it stands") },
            { "transport_protocol application_protocols", Exact("listeners", "which chain takes plain HTTP; another is told where it stands") },
            { "server_names", NotYet("chains by SNI are not taken yet") },
            {
                "source_type source_prefix_ranges source_ports direct_source_prefix_ranges",
                NotYet("a chain for some sources alone takes no requests")
            },
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
            { "filter_disabled", Inert("nothing looks at a connection's first bytes anyway") },
            { "config_discovery", NotYet("extensions on demand are not asked for") },
        },
        new("envoy.config.listener.v3.ListenerFilterChainMatchPredicate", Inert("nothing looks at a connection's first bytes anyway")),
        new("envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet", Inert("nothing looks at a connection's first bytes anyway")),
        new("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector", NotYet("TLS connections are not taken yet")),
        new("envoy.config.core.v3.CidrRange")
        {
            { "address_prefix prefix_len", Exact("listeners.address", "single addresses; a range is told where it stands") },
        },
        new("envoy.config.core.v3.TransportSocket")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
        },
    ]);
}
