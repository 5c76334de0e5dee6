using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Local rate limits.</summary>
internal static class RateLimitFields
{
    private static readonly FieldTreatment _notYet = NotYet("rate limits are not translated yet; there is no limit");

    public static Concept Concept { get; } = new("Rate limits",
    [
        new("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", _notYet),
        new("envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit", _notYet),
        new("envoy.type.v3.TokenBucket", _notYet),
        new("envoy.type.v3.HttpStatus", _notYet),
    ]);
}
