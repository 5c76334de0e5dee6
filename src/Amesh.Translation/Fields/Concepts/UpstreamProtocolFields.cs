using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>HTTP protocol options, of clusters and of connection managers.</summary>
internal static class UpstreamProtocolFields
{
    public static Concept Concept { get; } = new("HTTP protocol options",
    [
        new("envoy.extensions.upstreams.http.v3.HttpProtocolOptions")
        {
            { "common_http_protocol_options", Exact("", "see envoy.config.core.v3.HttpProtocolOptions") },
            { "explicit_http_config", Exact("upstreams.scheme") },
            { "use_downstream_protocol_config", Near("upstreams.labels.amesh_http2", "paths that a route rewrites are written with nginx's own escapes; informational responses and a WebSocket do not pass") },
            { "auto_config", Near("upstreams.scheme", "requests go out as HTTP/1.1") },
            { "upstream_http_protocol_options", Exact("tls_contexts.auto_sni, auto_san") },
            { "http_filters", NotYet("filters at a cluster are left out") },
        },
        new("envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig")
        {
            { "http_protocol_options", Exact("upstreams.scheme http") },
            { "http2_protocol_options", Near("upstreams.labels.amesh_http2", "paths that a route rewrites are written with nginx's own escapes; informational responses and a WebSocket do not pass") },
        },
        new("envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig")
        {
            { "http_protocol_options", Exact("upstreams.scheme http") },
            { "http2_protocol_options", Exact("upstreams.labels.amesh_http2") },
        },
        new("envoy.config.core.v3.HttpProtocolOptions")
        {
            { "idle_timeout", Exact("upstreams.keepalive_pool.idle_timeout, listeners.chains[].http.idle_timeout") },
            { "max_requests_per_connection", Near("upstreams.keepalive_pool.requests", "of connections to endpoints; those of clients are kept as nginx is configured") },
            { "max_connection_duration", NotYet("connections are kept as long as they are used") },
            { "max_stream_duration", NotYet("streams may last as long as they like").Unless(FieldValue.ZeroSeconds) },
            { "max_headers_count", NotYet("the number of headers is limited as nginx is configured") },
            { "headers_with_underscores_action", NotYet("headers with underscores are treated as nginx is configured") },
        },
        new("envoy.config.core.v3.UpstreamHttpProtocolOptions")
        {
            { "auto_sni", Exact("tls_contexts.auto_sni") },
            { "auto_san_validation", Exact("tls_contexts.auto_san") },
            { "override_auto_sni_header", NotYet("the server name is the request's host") },
        },
    ]);
}
