using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Which requests a route takes.</summary>
internal static class RouteMatchFields
{
    public static Concept Concept { get; } = new("Route matches",
    [
        new("envoy.config.route.v3.RouteMatch")
        {
            { "prefix path safe_regex path_separated_prefix case_sensitive", Exact("routes.vars amesh_path") },
            { "headers", Exact("routes.vars amesh_header_NAME") },
            { "query_parameters", Exact("routes.vars amesh_query_NAME") },
            { "runtime_fraction", Exact("routes.vars amesh_random_ppm") },
            { "grpc", Exact("routes.vars amesh_header_content-type") },
            { "connect_matcher path_match_policy", NotYet("the route is left out") },
            { "tls_context dynamic_metadata", NotYet("the condition is left out") },
        },
        new("envoy.config.route.v3.HeaderMatcher")
        {
            { "name", Exact("routes.vars") },
            { "exact_match prefix_match safe_regex_match string_match present_match invert_match", Exact("routes.vars") },
            {
                "range_match suffix_match contains_match treat_missing_header_as_empty",
                Exact("routes.vars")
            },
        },
        new("envoy.config.route.v3.QueryParameterMatcher")
        {
            { "name string_match present_match", Exact("routes.vars amesh_query_NAME") },
        },
        new("envoy.type.matcher.v3.StringMatcher")
        {
            { "exact prefix safe_regex", Exact("routes.vars") },
            { "suffix contains ignore_case", Exact("routes.vars") },
            { "custom", NotYet("the route is left out") },
        },
        new("envoy.type.matcher.v3.RegexMatcher")
        {
            { "regex", Exact("routes.vars", "RE2 written as PCRE; what PCRE has no form for is refused") },
            { "google_re2", Inert("there is no other engine in Envoy") },
        },
        new("envoy.type.matcher.v3.RegexMatcher.GoogleRE2", Inert("a limit on what the control plane may send")),
    ]);
}
