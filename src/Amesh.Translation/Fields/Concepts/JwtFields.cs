using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Tokens.</summary>
internal static class JwtFields
{
    private const string Filter = "listeners.chains[].http.filters";

    public static Concept Concept { get; } = new("Tokens (JWT)",
    [
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication")
        {
            { "providers rules requirement_map", Exact(Filter, "a filter that makes no sense lets nobody through") },
            { "filter_state_rules", Refused("there is no filter state to look at; nobody gets through") },
            { "bypass_cors_preflight strip_failure_response", Exact(Filter) },
        },
        new("envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig")
        {
            { "disabled requirement_name", Exact("plugins.amesh filters") },
        },
        new("envoy.extensions.filters.http.jwt_authn.v3.RequirementRule")
        {
            { "match", Exact(Filter + "[].rules[].when", "one that is not translated lets nobody through") },
            { "requires requirement_name", Exact(Filter + "[].rules") },
        },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement")
        {
            { "provider_name provider_and_audiences requires_any requires_all", Exact(Filter + "[].rules[].requires") },
            { "allow_missing allow_missing_or_failed", Exact(Filter + "[].rules[].requires") },
        },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtRequirementOrList") { { "requirements", Exact("") } },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtRequirementAndList") { { "requirements", Exact("") } },
        new("envoy.extensions.filters.http.jwt_authn.v3.ProviderWithAudiences") { { "provider_name audiences", Exact("") } },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtProvider")
        {
            { "issuer audiences subjects require_expiration max_lifetime clock_skew_seconds", Exact(Filter + "[].providers") },
            { "local_jwks", Exact(Filter + "[].providers[].jwks, amesh_secrets.jwks", "in a secret where it has keys that are none to show") },
            { "remote_jwks", Exact(Filter + "[].providers[].remote", "each worker fetches for itself") },
            { "from_headers from_params from_cookies", Exact(Filter + "[].providers") },
            { "forward", Exact(Filter + "[].providers[].forward", "what is left of a query stays as it was written; Envoy sorts and decodes it") },
            { "forward_payload_header pad_forward_payload_header", Exact(Filter + "[].providers") },
            { "claim_to_headers", Exact(Filter + "[].providers[].claim_to_headers", "a text with a line feed, which no header can hold, is left out") },
            { "payload_in_metadata normalize_payload_in_metadata header_in_metadata failed_status_in_metadata", Exact(Filter + "[].providers") },
            { "clear_route_cache", Exact(Filter + "[].providers[].clear_route_cache", "in front of fault and CORS filters, where control planes have it") },
            { "jwt_cache_config", Inert("good signatures are remembered in any case, 500 for each key set and worker") },
        },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtProvider.NormalizePayload") { { "space_delimited_claims", Exact(Filter + "[].providers[].space_delimited_claims") } },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtCacheConfig", Inert("see jwt_cache_config")),
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtHeader") { { "name value_prefix", Exact("") } },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader") { { "header_name claim_name", Exact("") } },
        new("envoy.extensions.filters.http.jwt_authn.v3.RemoteJwks")
        {
            { "http_uri cache_duration retry_policy", Exact(Filter + "[].providers[].remote") },
            { "async_fetch", Near(Filter + "[].providers[].remote.async", "the first fetch begins with the first token, not with the listener") },
        },
        new("envoy.extensions.filters.http.jwt_authn.v3.JwksAsyncFetch")
        {
            { "fast_listener", Inert("no listener waits for keys; requests do") },
            { "failed_refetch_duration", Exact(Filter + "[].providers[].remote.failed_refetch") },
        },
        new("envoy.config.core.v3.HttpUri")
        {
            { "uri cluster timeout", Exact(Filter + "[].providers[].remote, [].service", "of JWT and ext_authz filters; nothing else that is translated calls anybody") },
        },
        new("envoy.config.core.v3.RetryPolicy")
        {
            { "retry_back_off num_retries", Exact(Filter + "[].providers[].remote") },
            { "retry_on", NotYet("fetches of keys are tried again after 5xx, failed connections and resets") },
            { "host_selection_retry_max_attempts", NotYet("each try chooses its endpoint anew") },
        },
        new("envoy.config.core.v3.BackoffStrategy") { { "base_interval max_interval", Exact(Filter + "[].providers[].remote") } },
    ]);
}
