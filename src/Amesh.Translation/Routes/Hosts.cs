using Amesh.Apisix;

namespace Amesh.Translation.Routes;

/// <summary>
/// A virtual host's domains as the <c>hosts</c> of its routes. Amesh's router goes by the domains; <c>hosts</c> is what
/// APISIX's stock routers go by, and APISIX drops a route with a host that its schema has not.
/// </summary>
internal static class Hosts
{
    // RFC 2606: no request has it.
    private const string NoHost = "amesh.invalid";

    /// <summary>Null for any host.</summary>
    public static IReadOnlyList<string>? Of(IReadOnlyList<string> domains, DiagnosticScope diagnostics)
    {
        if (domains.Contains("*"))
        {
            return null;
        }

        string[] hosts = [.. domains.Where(Schema.IsHost)];
        if (hosts.Length < domains.Count)
        {
            diagnostics.Near("domains", "domains that APISIX's schema has no form for are matched by Amesh's router alone");
        }

        return hosts.Length > 0 ? hosts : [NoHost];
    }
}
