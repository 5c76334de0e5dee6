using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>CORS.</summary>
internal static class CrossOriginFields
{
    public static Concept Concept { get; } = new("CORS",
    [
        new("envoy.extensions.filters.http.cors.v3.CorsPolicy", NotYet(Extensions.Unproven, "plugins.amesh cors")),
    ]);
}
