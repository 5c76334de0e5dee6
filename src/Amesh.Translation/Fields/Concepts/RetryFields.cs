using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Retries.</summary>
internal static class RetryFields
{
    public static Concept Concept { get; } = new("Retries",
    [
        new("envoy.config.route.v3.RetryPolicy")
        {
            { "retry_on", Exact("plugins.amesh retry.on") },
            { "num_retries", Exact("plugins.amesh retry.num") },
            { "per_try_timeout", Exact("plugins.amesh retry.per_try_timeout") },
            { "retriable_status_codes", Exact("plugins.amesh retry.statuses") },
            { "retry_back_off", Exact("plugins.amesh retry.base_interval, max_interval") },
            { "retry_host_predicate", Exact("plugins.amesh retry.previous_hosts") },
            { "host_selection_retry_max_attempts", Exact("plugins.amesh retry.host_attempts") },
            { "per_try_idle_timeout", NotYet("a try that stops in the middle is not tried again") },
            { "retry_priority retry_options_predicates", NotYet("the endpoint of a retry is chosen as that of any request") },
            { "rate_limited_retry_back_off", NotYet("the back-off is the same whatever the answer says") },
            { "retriable_headers", NotYet("answers are not retried for their headers") },
            { "retriable_request_headers", NotYet("requests are retried whatever their headers are") },
        },
        new("envoy.config.route.v3.RetryPolicy.RetryBackOff", Exact("plugins.amesh retry.base_interval, max_interval")),
        new("envoy.config.route.v3.RetryPolicy.RetryHostPredicate")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("plugins.amesh retry.previous_hosts") },
        },
    ]);
}
