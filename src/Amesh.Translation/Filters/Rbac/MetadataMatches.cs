using Amesh.Apisix;
using Envoy.Type.Matcher.V3;
using Case = Envoy.Type.Matcher.V3.ValueMatcher.MatchPatternOneofCase;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>Conditions of dynamic metadata.</summary>
internal static class MetadataMatches
{
    // The filters that leave metadata here. Of others nobody knows what they would have left.
    private static readonly HashSet<string> _known = ["envoy.filters.http.jwt_authn", "envoy.filters.http.rbac", "envoy.filters.network.rbac", "envoy.filters.http.ext_authz"];

    /// <summary>Null for a comparison that cannot be made.</summary>
    public static MetadataMatch? Of(MetadataMatcher matcher)
    {
        bool isUsable = _known.Contains(matcher.Filter) && matcher.Path.Count > 0
            && matcher.Path.All(segment => segment.SegmentCase == MetadataMatcher.Types.PathSegment.SegmentOneofCase.Key);
        return isUsable && ValueOf(matcher.Value) is { } value
            ? new MetadataMatch(matcher.Filter, [.. matcher.Path.Select(segment => segment.Key)], value) { Invert = matcher.Invert ? true : null }
            : null;
    }

    private static MetadataValue? ValueOf(ValueMatcher? matcher) => matcher?.MatchPatternCase switch
    {
        Case.NullMatch => new MetadataValue { Null = true },
        Case.DoubleMatch => NumberOf(matcher.DoubleMatch),
        Case.StringMatch => StringMatches.Of(matcher.StringMatch) is { } text ? new MetadataValue { Text = text } : null,
        Case.BoolMatch => new MetadataValue { Bool = matcher.BoolMatch },
        Case.PresentMatch => new MetadataValue { Present = matcher.PresentMatch },
        Case.ListMatch => ValueOf(matcher.ListMatch.OneOf) is { } element ? new MetadataValue { OneOf = element } : null,
        Case.OrMatch => AnyOf(matcher.OrMatch),
        _ => null,
    };

    private static MetadataValue? NumberOf(DoubleMatcher matcher) => matcher.MatchPatternCase switch
    {
        DoubleMatcher.MatchPatternOneofCase.Exact when double.IsFinite(matcher.Exact) => new MetadataValue { Exact = matcher.Exact },
        DoubleMatcher.MatchPatternOneofCase.Range when double.IsFinite(matcher.Range.Start) && double.IsFinite(matcher.Range.End) =>
            new MetadataValue { From = matcher.Range.Start, To = matcher.Range.End },
        _ => null,
    };

    private static MetadataValue? AnyOf(OrMatcher matcher)
    {
        MetadataValue?[] values = [.. matcher.ValueMatchers.Select(ValueOf)];
        return values.Length == 0 || values.Contains(null) ? null : new MetadataValue { Any = values! };
    }
}
