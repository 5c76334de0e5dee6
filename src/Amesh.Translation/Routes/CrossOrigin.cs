using Amesh.Apisix;
using CorsPolicy = Envoy.Extensions.Filters.Http.Cors.V3.CorsPolicy;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's CORS filter, as a route or a virtual host configures it.</summary>
internal static class CrossOrigin
{
    /// <summary>Null where the policy says that the filter is off, which hides those of less specific levels.</summary>
    public static Cors? Translate(CorsPolicy policy, DiagnosticScope diagnostics)
    {
        long share = policy.FilterEnabled is { } enabled ? Fractions.Ppm(enabled.DefaultValue) : Fractions.All;
        if (share == 0)
        {
            return null;
        }

        if (share < Fractions.All)
        {
            diagnostics.NotYet("filter_enabled", "a share of the requests; it is on for all");
        }

        var origins = new List<StringMatch>();
        for (int i = 0; i < policy.AllowOriginStringMatch.Count; i++)
        {
            if (StringMatches.Of(policy.AllowOriginStringMatch[i]) is { } origin)
            {
                origins.Add(origin);
            }
            else
            {
                diagnostics.Refused($"allow_origin_string_match[{i}]", "no RE2 expression; this origin is not allowed");
            }
        }

        return new Cors
        {
            AllowOrigins = origins,
            AllowMethods = NullIfEmpty(policy.AllowMethods),
            AllowHeaders = NullIfEmpty(policy.AllowHeaders),
            ExposeHeaders = NullIfEmpty(policy.ExposeHeaders),
            MaxAge = NullIfEmpty(policy.MaxAge),
            AllowCredentials = policy.AllowCredentials,
            ForwardNotMatchingPreflights = policy.ForwardNotMatchingPreflights,
        };
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
