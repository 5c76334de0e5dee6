using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Retries.</summary>
internal static class RetryFields
{
    public static Concept Concept { get; } = new("Retries",
    [
        new("envoy.config.route.v3.RetryPolicy")
        {
            {
                "retry_on",
                Exact("plugins.amesh retry.on", "gRPC calls whose length is not known are sent on while they come, and tried again only where no connection was "
                    + "made; http3-post-connect-failure never happens")
            },
            { "num_retries", Exact("plugins.amesh retry.num", "of more than eight, those after the eighth are only for connections that fail; that is told") },
            { "per_try_timeout", Exact("plugins.amesh retry.per_try_timeout", "a body that pauses for so long is cut, too") },
            { "retriable_status_codes", Exact("plugins.amesh retry.statuses") },
            {
                "retry_back_off",
                Exact("plugins.amesh retry.base_interval, max_interval", "no pause for unusual sets of statuses and for headers, which are decided when there is no "
                    + "time for one, nor, outside APISIX's own runtime, after a connection that failed")
            },
            { "retry_host_predicate", Exact("plugins.amesh retry.previous_hosts") },
            { "host_selection_retry_max_attempts", Exact("plugins.amesh retry.host_attempts") },
            { "per_try_idle_timeout", Exact("plugins.amesh retry.per_try_idle_timeout") },
            { "retry_priority retry_options_predicates", NotYet("the endpoint of a retry is chosen as that of any request") },
            { "rate_limited_retry_back_off", Near("plugins.amesh retry.rate_limited", "not with retriable_headers and unusual sets of statuses, which know no pause") },
            { "retriable_headers", Exact("plugins.amesh retry.headers") },
            { "retriable_request_headers", Exact("plugins.amesh retry.request_headers") },
        },
        new("envoy.config.route.v3.RetryPolicy.RetryBackOff", Exact("plugins.amesh retry.base_interval, max_interval")),
        new("envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff", Exact("plugins.amesh retry.rate_limited")),
        new("envoy.config.route.v3.RetryPolicy.ResetHeader", Exact("plugins.amesh retry.rate_limited.headers")),
        new("envoy.config.route.v3.RetryPolicy.RetryHostPredicate")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("plugins.amesh retry.previous_hosts") },
        },
    ]);
}
