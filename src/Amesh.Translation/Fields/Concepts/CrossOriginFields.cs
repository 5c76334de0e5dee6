using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>CORS.</summary>
internal static class CrossOriginFields
{
    public static Concept Concept { get; } = new("CORS",
    [
        new("envoy.extensions.filters.http.cors.v3.CorsPolicy")
        {
            {
                "allow_origin_string_match allow_methods allow_headers expose_headers max_age allow_credentials filter_enabled",
                Exact("plugins.amesh cors")
            },
            { "forward_not_matching_preflights", NotYet(Extensions.Unproven, "plugins.amesh cors") },
            { "shadow_enabled", Inert("statistics alone") },
        },
    ]);
}
