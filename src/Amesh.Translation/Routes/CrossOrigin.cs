using Amesh.Apisix;
using Amesh.Translation.Expressions;
using Envoy.Type.Matcher.V3;
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

        var origins = new List<OriginMatch>();
        for (int i = 0; i < policy.AllowOriginStringMatch.Count; i++)
        {
            if (OriginOf(policy.AllowOriginStringMatch[i]) is { } origin)
            {
                origins.Add(origin with { IgnoreCase = policy.AllowOriginStringMatch[i].IgnoreCase ? true : null });
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

    private static OriginMatch? OriginOf(StringMatcher matcher) => matcher.MatchPatternCase switch
    {
        StringMatcher.MatchPatternOneofCase.Exact => new OriginMatch { Exact = matcher.Exact },
        StringMatcher.MatchPatternOneofCase.Prefix => new OriginMatch { Prefix = matcher.Prefix },
        StringMatcher.MatchPatternOneofCase.Suffix => new OriginMatch { Suffix = matcher.Suffix },
        StringMatcher.MatchPatternOneofCase.Contains => new OriginMatch { Contains = matcher.Contains },
        StringMatcher.MatchPatternOneofCase.SafeRegex => Regexes.Whole(matcher.SafeRegex.Regex) is { } pattern ? new OriginMatch { Regex = pattern } : null,
        _ => null,
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
