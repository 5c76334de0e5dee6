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
            { "upstream_cluster headers downstream_nodes", NotYet("the fault is left out: its own conditions are not translated") },
            { "max_active_faults", NotYet("there is no limit to faults at a time") },
            { "response_rate_limit", NotYet("answers are as fast as they can be") },
            {
                "delay_percent_runtime abort_percent_runtime delay_duration_runtime abort_http_status_runtime max_active_faults_runtime "
                    + "response_rate_limit_percent_runtime abort_grpc_status_runtime",
                Inert("Amesh has no runtime that could override them")
            },
            { "disable_downstream_cluster_stats filter_metadata", Inert("statistics alone") },
        },
        new("envoy.extensions.filters.common.fault.v3.FaultDelay")
        {
            { "fixed_delay percentage", Exact("plugins.amesh fault.delay") },
            { "header_delay", NotYet("there is no delay") },
        },
        new("envoy.extensions.filters.http.fault.v3.FaultAbort")
        {
            { "http_status percentage", Exact("plugins.amesh fault.abort") },
            { "grpc_status", NotYet(Extensions.Unproven, "plugins.amesh fault.abort") },
            { "header_abort", NotYet("there is no abort") },
        },
    ]);
}
