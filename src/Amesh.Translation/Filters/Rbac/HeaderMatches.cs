using Amesh.Apisix;
using Envoy.Config.Route.V3;
using Case = Envoy.Config.Route.V3.HeaderMatcher.HeaderMatchSpecifierOneofCase;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>Conditions of a request header.</summary>
internal static class HeaderMatches
{
    /// <summary>Null for a comparison that cannot be made.</summary>
    public static AccessMatch? Of(HeaderMatcher matcher)
    {
        var match = new AccessMatch
        {
            Header = matcher.Name.ToLowerInvariant(),
            Invert = matcher.InvertMatch ? true : null,
        };
        switch (matcher.HeaderMatchSpecifierCase)
        {
            case Case.None:
                return match with { Present = true };
            case Case.PresentMatch:
                return match with { Present = matcher.PresentMatch };
            case Case.RangeMatch:
                return match with { From = matcher.RangeMatch.Start, To = matcher.RangeMatch.End, MissingAsEmpty = Missing(matcher) };
            default:
                return Text(matcher) is { } text ? match with { Is = text, MissingAsEmpty = Missing(matcher) } : null;
        }
    }

    private static bool? Missing(HeaderMatcher matcher) => matcher.TreatMissingHeaderAsEmpty ? true : null;

    private static StringMatch? Text(HeaderMatcher matcher) => matcher.HeaderMatchSpecifierCase switch
    {
        Case.ExactMatch => new StringMatch { Exact = matcher.ExactMatch },
        Case.PrefixMatch => new StringMatch { Prefix = matcher.PrefixMatch },
        Case.SuffixMatch => new StringMatch { Suffix = matcher.SuffixMatch },
        Case.ContainsMatch => new StringMatch { Contains = matcher.ContainsMatch },
        Case.SafeRegexMatch => StringMatches.Regex(matcher.SafeRegexMatch.Regex),
        Case.StringMatch => StringMatches.Of(matcher.StringMatch),
        _ => null,
    };
}
