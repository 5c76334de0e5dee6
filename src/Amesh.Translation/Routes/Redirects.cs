using Amesh.Apisix;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's RedirectAction.</summary>
internal static class Redirects
{
    public static Redirect Translate(RedirectAction action, RouteMatch match, DiagnosticScope diagnostics) => new()
    {
        Status = action.ResponseCode switch
        {
            RedirectAction.Types.RedirectResponseCode.Found => 302,
            RedirectAction.Types.RedirectResponseCode.SeeOther => 303,
            RedirectAction.Types.RedirectResponseCode.TemporaryRedirect => 307,
            RedirectAction.Types.RedirectResponseCode.PermanentRedirect => 308,
            _ => 301,
        },
        Scheme = action.HttpsRedirect ? "https" : NullIfEmpty(action.SchemeRedirect),
        Host = NullIfEmpty(action.HostRedirect),
        Port = action.PortRedirect == 0 ? null : action.PortRedirect,
        Path = NullIfEmpty(action.PathRedirect),
        Rewrite = action.PathRewriteSpecifierCase switch
        {
            RedirectAction.PathRewriteSpecifierOneofCase.PrefixRewrite => Rewrites.Prefix(match, action.PrefixRewrite),
            RedirectAction.PathRewriteSpecifierOneofCase.RegexRewrite => Rewrites.Regex(action.RegexRewrite, "regex_rewrite", diagnostics),
            _ => null,
        },
        StripQuery = action.StripQuery ? true : null,
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
