using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>The HTTP connection manager.</summary>
internal static class HttpConnectionManagerFields
{
    private const string Manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

    public static Concept Concept { get; } = new("HTTP connection manager",
    [
        new(Manager)
        {
            { "rds", Exact("listeners.chains[].http.route_config") },
            { "route_config", Exact("listeners.chains[].http.route_config, routes, virtual_hosts") },
            { "http_filters", Exact("routes.plugins") },
            { "normalize_path", Exact("listeners.chains[].http.normalize_path") },
            { "merge_slashes", Exact("listeners.chains[].http.merge_slashes") },
            { "path_with_escaped_slashes_action", Exact("listeners.chains[].http.escaped_slashes") },
            { "upgrade_configs", Exact("listeners.chains[].http.upgrades") },
            { "stat_prefix", Inert("statistics alone") },
            { "codec_type", Near("listeners.chains[].http.codec", "nginx tells HTTP/1 from HTTP/2 as it is configured; a chain for HTTP/3 closes its connections") },
            { "use_remote_address xff_num_trusted_hops skip_xff_append", Exact("listeners.chains[].http") },
            { "request_id_extension", Exact("", "see the extensions") },
            { "generate_request_id preserve_external_request_id", Exact("listeners.chains[].http.request_id") },
            { "always_set_request_id_in_response", Exact("listeners.chains[].http.request_id_in_response") },
            { "proxy_100_continue", Near("", "nginx answers 100 Continue itself, and the endpoint is not asked") },
            { "stream_idle_timeout", NotYet("idle streams last as long as nginx is configured to").Unless(FieldValue.ZeroSeconds) },
            { "request_timeout request_headers_timeout", NotYet("slow requests are cut off as nginx is configured to").Unless(FieldValue.ZeroSeconds) },
            { "drain_timeout delayed_close_timeout", Inert("nginx drains by its own rules") },
            { "tracing", NotYet("no spans are made", "plugins.opentelemetry") },
            { "access_log", NotYet("access logs are not translated yet", "plugins.file-logger") },
            { "server_name", NotYet("the header server is APISIX's own", "plugins.response-rewrite") },
            { "server_header_transformation", NotYet("the header server is APISIX's own", "plugins.response-rewrite") },
            { "forward_client_cert_details", Exact("listeners.chains[].http.forward_client_cert") },
            { "set_current_client_cert_details", Exact("listeners.chains[].http.client_cert_details") },
            { "internal_address_config", Exact("listeners.chains[].http.internal_addresses") },
            { "http_protocol_options http2_protocol_options", Exact("", "empty ones; what is in them is told") },
            { "common_http_protocol_options", Exact("", "see envoy.config.core.v3.HttpProtocolOptions") },
            { "original_ip_detection_extensions", NotYet("the client is who x-forwarded-for or the connection says") },
            { "local_reply_config", NotYet("answers of the proxy itself are Amesh's") },
            { "scoped_routes", NotYet("a chain with scoped routes closes its connections") },
            { "max_request_headers_kb", NotYet("headers are limited as nginx is configured") },
            { "strip_matching_host_port strip_any_host_port strip_trailing_host_dot", NotYet("the host is left as it is") },
        },
        new(Manager + ".UpgradeConfig")
        {
            { "upgrade_type", Exact("listeners.chains[].http.upgrades", "CONNECT is refused by nginx, with 405") },
            { "enabled", Exact("listeners.chains[].http.upgrades") },
            { "filters", NotYet("the filters are those of any request") },
        },
        new(Manager + ".Tracing", NotYet("no spans are made", "plugins.opentelemetry")),
        new(Manager + ".InternalAddressConfig")
        {
            { "cidr_ranges", Exact("listeners.chains[].http.internal_addresses") },
            { "unix_sockets", Inert("clients come over TCP") },
        },
        new(Manager + ".SetCurrentClientCertDetails")
        {
            { "subject uri dns cert chain", Exact("listeners.chains[].http.client_cert_details") },
        },
        new("envoy.extensions.filters.network.http_connection_manager.v3.Rds")
        {
            { "config_source", Exact("") },
            { "route_config_name", Exact("listeners.chains[].http.route_config") },
        },
        new("envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter")
        {
            { "name", Inert("extensions are known by their type") },
            {
                "typed_config",
                Exact("routes.plugins")
                    .But("envoy.extensions.filters.http.fault.v3.HTTPFault", NotYet("a fault for a whole listener is left out; only those at routes are read")
                        .Unless(FieldValue.Empty))
            },
            { "config_discovery", NotYet("extensions on demand are not asked for") },
            { "is_optional", Inert("an extension that is not known is left out, and told, in any case") },
            { "disabled", NotYet("the filter is taken as switched on") },
        },
        new("envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension")
        {
            { "typed_config", Exact("") },
        },
        new("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig", Inert("Envoy's default; how traces are sampled by it is part of tracing")),
    ]);
}
