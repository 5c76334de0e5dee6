using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Routes, and what is on them beside match and action.</summary>
internal static class RouteFields
{
    /// <summary>What is kept of a request's body while it goes on.</summary>
    public const string Kept =
        "at most 1 MiB of an HTTP/1.1 client's; an HTTP/2 client's is waited for up to the limit where its length is known, and for 15 ms where not; the rest goes on and is kept no longer";

    public static Concept Concept { get; } = new("Routes",
    [
        new("envoy.config.route.v3.Route")
        {
            { "name", Exact("routes.name") },
            { "match", Exact("routes.vars") },
            { "route", Exact("routes.upstream_id, plugins.amesh") },
            { "metadata", Exact("routes.labels.amesh_origin") },
            { "decorator", Inert("the name of a span; without tracing there is none") },
            { "typed_per_filter_config", Exact("routes.plugins", "faults and CORS by type, whatever the key; filters that refuse by their names") },
            { "redirect", Exact("plugins.amesh redirect") },
            { "direct_response", Exact("plugins.amesh direct_response") },
            { "request_headers_to_add request_headers_to_remove", Exact("plugins.amesh request_headers") },
            { "response_headers_to_add response_headers_to_remove", Exact("plugins.amesh response_headers") },
            { "filter_action non_forwarding_action", NotYet("such a route answers 503") },
            { "tracing", NotYet("no spans are made") },
            { "stat_prefix", Inert("statistics alone") },
            { "per_request_buffer_limit_bytes", Near("plugins.amesh body_limit", Kept) },
        },
        new("envoy.config.route.v3.Decorator", Inert("the name of a span; without tracing there is none")),
        new("envoy.config.route.v3.RedirectAction")
        {
            { "scheme_redirect https_redirect host_redirect port_redirect path_redirect response_code", Exact("plugins.amesh redirect") },
            { "prefix_rewrite regex_rewrite strip_query", Exact("plugins.amesh redirect") },
        },
        new("envoy.config.route.v3.DirectResponseAction")
        {
            { "status body", Exact("plugins.amesh direct_response") },
        },
        new("envoy.config.core.v3.HeaderValueOption")
        {
            { "header append append_action", Exact("plugins.amesh request_headers, response_headers") },
            { "keep_empty_value", Near("plugins.amesh request_headers, response_headers", "an empty request header is written as a space, which HTTP/1.1 takes for empty") },
        },
        new("envoy.config.core.v3.HeaderValue")
        {
            { "key value", Exact("plugins.amesh request_headers, response_headers", "with the usual command operators (%…%); others are told where they stand") },
            { "raw_value", Exact("plugins.amesh request_headers, response_headers", "as UTF-8") },
        },
    ]);
}
