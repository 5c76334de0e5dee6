namespace Amesh.Apisix;

/// <summary>An APISIX route: one route of an Envoy virtual host. Source: <c>route</c> in APISIX's schema_def.lua.</summary>
public sealed record Route : ApisixObject
{
    /// <summary>Always <c>/*</c>: routes that must be tried in order must have the same uri in APISIX's stock routers.</summary>
    public string Uri { get; } = "/*";

    /// <summary>The virtual host's domains, or none where one of them is <c>*</c>.</summary>
    public IReadOnlyList<string>? Hosts { get; init; }

    /// <summary>Higher is tried first; unique inside a virtual host.</summary>
    public required int Priority { get; init; }

    /// <summary>Who it belongs to: the label <c>amesh_virtual_host</c>.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>All must hold. The first is always the route configuration, which Amesh's router has looked up already.</summary>
    public required IReadOnlyList<Predicate> Vars { get; init; }

    /// <summary>The cluster's upstream, where there is exactly one.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>Whether <c>Upgrade: websocket</c> is passed on.</summary>
    public bool? EnableWebsocket { get; init; }

    /// <summary>The plugins of the route.</summary>
    public required RoutePlugins Plugins { get; init; }

    internal override ObjectKind Kind => ObjectKind.Route;
}

/// <summary>The plugins that a mesh route uses.</summary>
/// <param name="Amesh">Amesh's own plugin, on every mesh route.</param>
public sealed record RoutePlugins(AmeshPlugin Amesh);
