using Amesh.Apisix;
using Amesh.Translation.Expressions;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;

namespace Amesh.Translation.Routes;

/// <summary>New paths and hosts.</summary>
internal static class Rewrites
{
    /// <summary>The path rewrite of a RouteAction; null where there is none.</summary>
    public static PathRewrite? Path(RouteAction action, RouteMatch match, DiagnosticScope diagnostics)
    {
        if (action.PathRewritePolicy is not null)
        {
            diagnostics.NotYet("path_rewrite_policy", "the path is left as it is");
        }

        return action.PrefixRewrite.Length > 0
            ? Prefix(match, action.PrefixRewrite)
            : action.RegexRewrite is { } regex ? Regex(regex, "regex_rewrite", diagnostics) : null;
    }

    /// <summary>The host rewrite of a RouteAction; null where there is none.</summary>
    public static HostRewrite? Host(RouteAction action, DiagnosticScope diagnostics)
    {
        switch (action.HostRewriteSpecifierCase)
        {
            case RouteAction.HostRewriteSpecifierOneofCase.HostRewriteLiteral:
                return new HostRewrite { Literal = action.HostRewriteLiteral };
            case RouteAction.HostRewriteSpecifierOneofCase.HostRewriteHeader:
                return new HostRewrite { Header = action.HostRewriteHeader.ToLowerInvariant() };
            case RouteAction.HostRewriteSpecifierOneofCase.AutoHostRewrite:
                return action.AutoHostRewrite == true ? new HostRewrite { Auto = true } : null;
            case RouteAction.HostRewriteSpecifierOneofCase.HostRewritePathRegex:
                return Regex(action.HostRewritePathRegex, "host_rewrite_path_regex", diagnostics) is { } regex
                    ? new HostRewrite { PathRegex = regex.Regex, Substitution = regex.Substitution }
                    : null;
            default:
                return null;
        }
    }

    /// <summary>What the match says of the prefix, replaced. An exact path is replaced whole.</summary>
    public static PathRewrite Prefix(RouteMatch match, string replacement) => match.PathSpecifierCase switch
    {
        RouteMatch.PathSpecifierOneofCase.Prefix => new PathRewrite { Prefix = match.Prefix, To = replacement },
        RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix => new PathRewrite { Prefix = match.PathSeparatedPrefix, To = replacement },
        _ => new PathRewrite { Path = replacement },
    };

    /// <summary>Every match of an expression, replaced; null, and a diagnostic, where it is no RE2 expression.</summary>
    public static PathRewrite? Regex(RegexMatchAndSubstitute rewrite, string field, DiagnosticScope diagnostics)
    {
        if (Regexes.Convert(rewrite.Pattern?.Regex ?? "") is { } pattern)
        {
            return new PathRewrite { Regex = pattern, Substitution = rewrite.Substitution };
        }

        diagnostics.Refused(field, $"{rewrite.Pattern?.Regex} is no RE2 expression; nothing is rewritten");
        return null;
    }
}
