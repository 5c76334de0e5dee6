using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Injected delays and aborts.</summary>
internal static class FaultFields
{
    public static Concept Concept { get; } = new("Faults",
    [
        new("envoy.extensions.filters.http.fault.v3.HTTPFault")
        {
            { "delay", Exact("plugins.amesh fault.delay") },
            { "abort", Exact("plugins.amesh fault.abort") },
            { "headers downstream_nodes", Exact("plugins.amesh fault.when") },
            { "upstream_cluster", Near("plugins.amesh fault", "a route with several clusters suffers no such fault") },
            { "max_active_faults", Near("plugins.amesh fault.max_active", "each worker counts for itself") },
            { "response_rate_limit", Exact("plugins.amesh fault.rate") },
            {
                "delay_percent_runtime abort_percent_runtime delay_duration_runtime abort_http_status_runtime max_active_faults_runtime "
                    + "response_rate_limit_percent_runtime abort_grpc_status_runtime",
                Inert("Amesh has no runtime that could override them")
            },
            { "disable_downstream_cluster_stats filter_metadata", Inert("statistics alone") },
        },
        new("envoy.extensions.filters.common.fault.v3.FaultDelay")
        {
            { "fixed_delay percentage header_delay", Exact("plugins.amesh fault.delay") },
        },
        new("envoy.extensions.filters.common.fault.v3.FaultRateLimit")
        {
            { "fixed_limit header_limit percentage", Exact("plugins.amesh fault.rate") },
        },
        new("envoy.extensions.filters.http.fault.v3.FaultAbort")
        {
            { "http_status grpc_status percentage header_abort", Exact("plugins.amesh fault.abort") },
        },
    ]);
}
