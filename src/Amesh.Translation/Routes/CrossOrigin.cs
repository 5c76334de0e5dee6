using Amesh.Apisix;
using Envoy.Type.Matcher.V3;
using CorsPolicy = Envoy.Extensions.Filters.Http.Cors.V3.CorsPolicy;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's CORS filter, as a route or a virtual host configures it.</summary>
internal static class CrossOrigin
{
    public static Cors Translate(CorsPolicy policy, DiagnosticScope diagnostics)
    {
        var origins = new List<string>();
        for (int i = 0; i < policy.AllowOriginStringMatch.Count; i++)
        {
            if (Pattern(policy.AllowOriginStringMatch[i]) is { } pattern)
            {
                origins.Add(pattern);
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

    private static string? Pattern(StringMatcher matcher)
    {
        string? pattern = matcher.MatchPatternCase switch
        {
            StringMatcher.MatchPatternOneofCase.Exact when matcher.Exact == "*" => ".*",
            StringMatcher.MatchPatternOneofCase.Exact => Regexes.Exact(matcher.Exact),
            StringMatcher.MatchPatternOneofCase.Prefix => Regexes.Prefix(matcher.Prefix),
            StringMatcher.MatchPatternOneofCase.Suffix => Regexes.Suffix(matcher.Suffix),
            StringMatcher.MatchPatternOneofCase.Contains => Regexes.Escape(matcher.Contains),
            StringMatcher.MatchPatternOneofCase.SafeRegex => Regexes.Whole(matcher.SafeRegex.Regex),
            _ => null,
        };
        return pattern is not null && matcher.IgnoreCase ? "(?i)" + pattern : pattern;
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
