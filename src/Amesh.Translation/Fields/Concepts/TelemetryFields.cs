using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Access logs, traces, statistics.</summary>
internal static class TelemetryFields
{
    private static readonly FieldTreatment _accessLogs = NotYet("access logs are not translated yet", "plugins.file-logger");
    private static readonly FieldTreatment _traces = NotYet("no spans are made", "plugins.opentelemetry");

    public static Concept Concept { get; } = new("Telemetry",
    [
        new("envoy.config.accesslog.v3.AccessLog", _accessLogs),
        new("envoy.config.accesslog.v3.AccessLogFilter", _accessLogs),
        new("envoy.config.accesslog.v3.MetadataFilter", _accessLogs),
        new("envoy.extensions.access_loggers.file.v3.FileAccessLog", _accessLogs),
        new("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", _accessLogs),
        new("envoy.config.core.v3.SubstitutionFormatString", _accessLogs),
        new("envoy.extensions.filters.http.grpc_stats.v3.FilterConfig", Inert("statistics alone")),
        new("envoy.type.tracing.v3.CustomTag", _traces),
        new("envoy.type.tracing.v3.CustomTag.Literal", _traces),
        new("envoy.type.tracing.v3.CustomTag.Metadata", _traces),
        new("envoy.type.metadata.v3.MetadataKind", _traces),
        new("envoy.type.metadata.v3.MetadataKey", _traces),
        new("envoy.type.metadata.v3.MetadataKey.PathSegment", _traces),
    ]);
}
