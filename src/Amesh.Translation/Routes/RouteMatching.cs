using Amesh.Apisix;
using Amesh.Translation.Expressions;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's RouteMatch as conditions of a route's <c>vars</c>.</summary>
internal static class RouteMatching
{
    public const string Path = "amesh_path";

    private const string Header = "amesh_header_";
    private const string Query = "amesh_query_";

    /// <summary>All conditions of a match; null where the route must be left out, with a diagnostic.</summary>
    public static IReadOnlyList<Predicate>? Translate(RouteMatch match, DiagnosticScope diagnostics)
    {
        var conditions = new List<Predicate>();
        if (!AddPath(conditions, match, diagnostics))
        {
            return null;
        }

        for (int i = 0; i < match.Headers.Count; i++)
        {
            if (HeaderCondition(match.Headers[i], diagnostics.At($"headers[{i}]")) is not { } condition)
            {
                return null;
            }

            conditions.Add(condition);
        }

        for (int i = 0; i < match.QueryParameters.Count; i++)
        {
            if (QueryCondition(match.QueryParameters[i], diagnostics.At($"query_parameters[{i}]")) is not { } condition)
            {
                return null;
            }

            conditions.Add(condition);
        }

        if (match.Grpc is not null)
        {
            conditions.Add(Predicate.Matches(Header + "content-type", "^application/grpc(?:\\+|\\z)"));
        }

        if (match.RuntimeFraction is { } fraction)
        {
            // The variable is a number from 0 to 999999, the same for all routes that a request is compared with.
            conditions.Add(Predicate.Compare("amesh_random_ppm", "<", Fractions.Ppm(fraction.DefaultValue)));
        }

        return conditions;
    }

    /// <summary>The condition of one header; null where it cannot be expressed, with a diagnostic.</summary>
    public static Predicate? HeaderCondition(HeaderMatcher matcher, DiagnosticScope diagnostics)
    {
        string variable = VariableOf(matcher.Name);
        if (matcher.HeaderMatchSpecifierCase is HeaderMatcher.HeaderMatchSpecifierOneofCase.PresentMatch
            or HeaderMatcher.HeaderMatchSpecifierOneofCase.None)
        {
            // No comparison at all means presence, too.
            bool present = matcher.HeaderMatchSpecifierCase == HeaderMatcher.HeaderMatchSpecifierOneofCase.None || matcher.PresentMatch;
            return present != matcher.InvertMatch ? Predicate.Present(variable) : Predicate.Present(variable).Negate();
        }

        if (matcher.HeaderMatchSpecifierCase == HeaderMatcher.HeaderMatchSpecifierOneofCase.RangeMatch)
        {
            return Range(matcher, variable);
        }

        if (TextOf(matcher, diagnostics) is not { } text)
        {
            return null;
        }

        Predicate condition = text.On(variable);
        if (!matcher.InvertMatch)
        {
            return matcher.TreatMissingHeaderAsEmpty && text.MatchesEmpty
                ? Predicate.AnyOf([Predicate.Present(variable).Negate(), condition])
                : condition;
        }

        // An absent header matches nothing, inverted or not, unless it counts as empty.
        bool whenAbsent = matcher.TreatMissingHeaderAsEmpty && !text.MatchesEmpty;
        return whenAbsent ? condition.Negate() : Predicate.AllOf([Predicate.Present(variable), condition.Negate()]);
    }

    private static bool AddPath(List<Predicate> conditions, RouteMatch match, DiagnosticScope diagnostics)
    {
        bool ignoreCase = match.CaseSensitive is { } sensitive && !sensitive;
        switch (match.PathSpecifierCase)
        {
            case RouteMatch.PathSpecifierOneofCase.Prefix:
                if (match.Prefix is not ("/" or ""))
                {
                    conditions.Add(TextMatch.Prefix(match.Prefix, ignoreCase).On(Path));
                }

                return true;
            case RouteMatch.PathSpecifierOneofCase.Path:
                conditions.Add(TextMatch.Exact(match.Path, ignoreCase).On(Path));
                return true;
            case RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix:
                conditions.Add(Predicate.Matches(Path, Regexes.Prefix(match.PathSeparatedPrefix) + "(?:/|\\z)", ignoreCase));
                return true;
            case RouteMatch.PathSpecifierOneofCase.SafeRegex:
                if (TextMatch.Regex(match.SafeRegex, "safe_regex", diagnostics) is not { } regex)
                {
                    return false;
                }

                // case_sensitive has no effect on expressions in Envoy.
                conditions.Add(regex.On(Path));
                return true;
            default:
                diagnostics.NotYet("path_specifier", $"{match.PathSpecifierCase} is not translated; the route is left out");
                return false;
        }
    }

    private static TextMatch? TextOf(HeaderMatcher matcher, DiagnosticScope diagnostics)
    {
        switch (matcher.HeaderMatchSpecifierCase)
        {
            case HeaderMatcher.HeaderMatchSpecifierOneofCase.ExactMatch:
                return TextMatch.Exact(matcher.ExactMatch);
            case HeaderMatcher.HeaderMatchSpecifierOneofCase.PrefixMatch:
                return TextMatch.Prefix(matcher.PrefixMatch);
            case HeaderMatcher.HeaderMatchSpecifierOneofCase.SuffixMatch:
                return TextMatch.Suffix(matcher.SuffixMatch);
            case HeaderMatcher.HeaderMatchSpecifierOneofCase.ContainsMatch:
                return TextMatch.Contains(matcher.ContainsMatch);
            case HeaderMatcher.HeaderMatchSpecifierOneofCase.SafeRegexMatch:
                return TextMatch.Regex(matcher.SafeRegexMatch, "safe_regex_match", diagnostics);
            default:
                return TextMatch.From(matcher.StringMatch, "string_match", diagnostics);
        }
    }

    private static Predicate Range(HeaderMatcher matcher, string variable)
    {
        Predicate inside = Predicate.AllOf(
        [
            Predicate.Matches(variable, "^[-+]?[0-9]+\\z"),
            Predicate.Compare(variable, ">=", matcher.RangeMatch.Start),
            Predicate.Compare(variable, "<", matcher.RangeMatch.End),
        ]);
        return !matcher.InvertMatch ? inside
            : matcher.TreatMissingHeaderAsEmpty ? inside.Negate()
            : Predicate.AllOf([Predicate.Present(variable), inside.Negate()]);
    }

    private static Predicate? QueryCondition(QueryParameterMatcher matcher, DiagnosticScope diagnostics)
    {
        string variable = Query + matcher.Name;
        if (matcher.QueryParameterMatchSpecifierCase == QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.StringMatch)
        {
            return TextMatch.From(matcher.StringMatch, "string_match", diagnostics)?.On(variable);
        }

        bool present = matcher.QueryParameterMatchSpecifierCase == QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.None
            || matcher.PresentMatch;
        return present ? Predicate.Present(variable) : Predicate.Present(variable).Negate();
    }

    private static string VariableOf(string header) => header switch
    {
        ":method" => "amesh_method",
        ":authority" => "amesh_authority",
        ":path" => "amesh_path_and_query",
        ":scheme" => "amesh_scheme",
        _ => Header + header.ToLowerInvariant(),
    };
}
