namespace Amesh.Apisix;

/// <summary>Amesh's own: a virtual host's domains and its routes in Envoy's order.</summary>
public sealed record VirtualHost : ApisixObject
{
    /// <summary>The name of the route configuration that it is in.</summary>
    public required string RouteConfig { get; init; }

    /// <summary>Exact names, <c>*.suffix</c>, <c>prefix.*</c> or <c>*</c>, in lower case.</summary>
    public required IReadOnlyList<string> Domains { get; init; }

    /// <summary>Ids of the routes; the first that matches is taken, and 404 is the answer where none does.</summary>
    public required IReadOnlyList<string> Routes { get; init; }

    /// <summary>Whether a port in Host is left out when domains are compared.</summary>
    public bool IgnorePort { get; init; }

    internal override ObjectKind Kind => ObjectKind.VirtualHost;
}
