using Amesh.Apisix;
using Amesh.Translation.Expressions;
using Envoy.Type.Matcher.V3;
using XdsStringMatcher = Xds.Type.Matcher.V3.StringMatcher;

namespace Amesh.Translation;

/// <summary>Comparisons with a text. Null for one that cannot be made.</summary>
internal static class StringMatches
{
    public static StringMatch? Of(StringMatcher? matcher)
    {
        bool? ignoreCase = matcher?.IgnoreCase == true ? true : null;
        return matcher?.MatchPatternCase switch
        {
            StringMatcher.MatchPatternOneofCase.Exact => new StringMatch { Exact = matcher.Exact, IgnoreCase = ignoreCase },
            StringMatcher.MatchPatternOneofCase.Prefix => new StringMatch { Prefix = matcher.Prefix, IgnoreCase = ignoreCase },
            StringMatcher.MatchPatternOneofCase.Suffix => new StringMatch { Suffix = matcher.Suffix, IgnoreCase = ignoreCase },
            StringMatcher.MatchPatternOneofCase.Contains => new StringMatch { Contains = matcher.Contains, IgnoreCase = ignoreCase },
            StringMatcher.MatchPatternOneofCase.SafeRegex => Regex(matcher.SafeRegex.Regex),
            _ => null,
        };
    }

    public static StringMatch? Of(XdsStringMatcher? matcher)
    {
        bool? ignoreCase = matcher?.IgnoreCase == true ? true : null;
        return matcher?.MatchPatternCase switch
        {
            XdsStringMatcher.MatchPatternOneofCase.Exact => new StringMatch { Exact = matcher.Exact, IgnoreCase = ignoreCase },
            XdsStringMatcher.MatchPatternOneofCase.Prefix => new StringMatch { Prefix = matcher.Prefix, IgnoreCase = ignoreCase },
            XdsStringMatcher.MatchPatternOneofCase.Suffix => new StringMatch { Suffix = matcher.Suffix, IgnoreCase = ignoreCase },
            XdsStringMatcher.MatchPatternOneofCase.Contains => new StringMatch { Contains = matcher.Contains, IgnoreCase = ignoreCase },
            XdsStringMatcher.MatchPatternOneofCase.SafeRegex => Regex(matcher.SafeRegex.Regex),
            _ => null,
        };
    }

    public static StringMatch? Regex(string re2) => Regexes.Whole(re2) is { } pattern ? new StringMatch { Regex = pattern } : null;
}
