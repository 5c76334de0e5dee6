using Amesh.Apisix;
using Amesh.Translation.Expressions;
using Envoy.Type.Matcher.V3;

namespace Amesh.Translation.Routes;

/// <summary>
/// One comparison of a text: as a condition on a variable, and, for what Envoy does with absent headers, on an empty text.
/// </summary>
internal readonly record struct TextMatch(Func<string, Predicate> On, bool MatchesEmpty)
{
    public static TextMatch Exact(string value, bool ignoreCase = false) => new(
        variable => ignoreCase ? Predicate.Matches(variable, Regexes.Exact(value), true) : Predicate.Equal(variable, value),
        value.Length == 0);

    public static TextMatch Prefix(string value, bool ignoreCase = false) => new(
        variable => Predicate.Matches(variable, Regexes.Prefix(value), ignoreCase), value.Length == 0);

    public static TextMatch Suffix(string value, bool ignoreCase = false) => new(
        variable => Predicate.Matches(variable, Regexes.Suffix(value), ignoreCase), value.Length == 0);

    public static TextMatch Contains(string value, bool ignoreCase = false) => new(
        variable => Predicate.Matches(variable, Regexes.Escape(value), ignoreCase), value.Length == 0);

    /// <summary>A whole match of an RE2 expression; null, and a diagnostic, where it is none.</summary>
    public static TextMatch? Regex(RegexMatcher matcher, string field, DiagnosticScope diagnostics)
    {
        if (Regexes.Whole(matcher.Regex) is not { } pattern)
        {
            diagnostics.Refused(field, $"{matcher.Regex} is no RE2 expression; the route is left out");
            return null;
        }

        return new TextMatch(variable => Predicate.Matches(variable, pattern), MayBeEmpty(matcher.Regex));
    }

    public static TextMatch? From(StringMatcher matcher, string field, DiagnosticScope diagnostics)
    {
        switch (matcher.MatchPatternCase)
        {
            case StringMatcher.MatchPatternOneofCase.Exact:
                return Exact(matcher.Exact, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.Prefix:
                return Prefix(matcher.Prefix, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.Suffix:
                return Suffix(matcher.Suffix, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.Contains:
                return Contains(matcher.Contains, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.SafeRegex:
                return Regex(matcher.SafeRegex, field + ".safe_regex", diagnostics);
            default:
                diagnostics.Refused(field, "this kind of comparison is unknown; the route is left out");
                return null;
        }
    }

    // Whether the expression takes an empty text. Only asked for absent headers that count as empty; the expressions that
    // Istio writes there are plain, and a wrong answer would need one that is optional as a whole without saying so by * or ?.
    private static bool MayBeEmpty(string regex) => regex.Length == 0 || regex is ".*" or "^.*$" or ".*?";
}
