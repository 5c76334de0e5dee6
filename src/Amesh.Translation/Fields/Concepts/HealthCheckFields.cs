using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Active health checks. The library carries them out; what APISIX sees is which endpoints are nodes, and their weights.</summary>
internal static class HealthCheckFields
{
    private const string Log = "the error log tells which endpoint is unhealthy and why";

    public static Concept Concept { get; } = new("Health checks",
    [
        new("envoy.config.core.v3.HealthCheck")
        {
            { "timeout interval initial_jitter interval_jitter interval_jitter_percent", Exact("") },
            { "unhealthy_interval unhealthy_edge_interval healthy_edge_interval", Exact("") },
            { "no_traffic_interval no_traffic_healthy_interval", Exact("upstreams.labels.amesh_health", "traffic is what the workers send") },
            { "unhealthy_threshold healthy_threshold reuse_connection", Exact("") },
            { "http_health_check tcp_health_check grpc_health_check", Exact("", "another kind is told where it stands, and nothing is checked") },
            { "tls_options transport_socket_match_criteria", Exact("") },
            { "event_logger always_log_health_check_failures always_log_health_check_success", Inert(Log) },
            { "alt_port", NotYet("the endpoint's own port is asked") },
        },
        new("envoy.config.core.v3.HealthCheck.HttpHealthCheck")
        {
            { "host path method expected_statuses retriable_statuses", Exact("") },
            { "send receive response_buffer_size service_name_matcher", Exact("") },
            { "request_headers_to_add request_headers_to_remove", Exact("", "command operators are told where they stand, and the header is left out") },
            { "codec_client_type", Exact("", "HTTP/3 is told where it stands, and nothing is checked") },
        },
        new("envoy.config.core.v3.HealthCheck.TcpHealthCheck")
        {
            { "send receive proxy_protocol_config", Exact("") },
        },
        new("envoy.config.core.v3.HealthCheck.GrpcHealthCheck")
        {
            { "service_name authority initial_metadata", Exact("") },
        },
        new("envoy.config.core.v3.HealthCheck.Payload")
        {
            { "text binary", Exact("") },
        },
        new("envoy.config.core.v3.HealthCheck.TlsOptions")
        {
            { "alpn_protocols", Exact("") },
        },
        new("envoy.config.core.v3.ProxyProtocolConfig")
        {
            { "version", Exact("", "in health checks") },
        },
    ]);
}
