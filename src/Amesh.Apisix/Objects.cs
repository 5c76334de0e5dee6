namespace Amesh.Apisix;

/// <summary>What every object has: the id that its key ends with, and a name for people.</summary>
public abstract record ApisixObject
{
    /// <summary>The last part of the object's key; APISIX refuses an object whose id is not in it.</summary>
    public required string Id { get; init; }

    /// <summary>Envoy's name of what this was translated from, cut to APISIX's 100 characters.</summary>
    public string? Name { get; init; }

    internal abstract ObjectKind Kind { get; }

    /// <summary>Where the object stands.</summary>
    public ObjectKey Key() => new(Kind, Id);
}

/// <summary>An APISIX upstream. Source: <c>upstream</c> in APISIX's schema_def.lua.</summary>
public sealed record Upstream : ApisixObject
{
    /// <summary>The balancer: APISIX's own (<c>roundrobin</c>, <c>chash</c>) or one of Amesh's (<c>amesh_…</c>).</summary>
    public required string Type { get; init; }

    /// <summary>Where to go. An empty list is answered with 503, as Envoy does where no endpoint is healthy.</summary>
    public required IReadOnlyList<UpstreamNode> Nodes { get; init; }

    /// <summary>The time limits of one try.</summary>
    public UpstreamTimeout? Timeout { get; init; }

    /// <summary>How connections are kept; as APISIX is configured where it is not said.</summary>
    public KeepalivePool? KeepalivePool { get; init; }

    /// <summary><c>pass</c>: the request's own Host; <c>rewrite</c>: <see cref="UpstreamHost"/>.</summary>
    public string? PassHost { get; init; }

    /// <summary>The Host that is sent when <see cref="PassHost"/> is <c>rewrite</c>.</summary>
    public string? UpstreamHost { get; init; }

    /// <summary><c>http</c>, <c>https</c>, <c>grpc</c> or <c>grpcs</c>.</summary>
    public string? Scheme { get; init; }

    /// <summary>What APISIX's schema has no place for: <c>amesh_outlier_detection</c>, <c>amesh_tls</c>.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    internal override ObjectKind Kind => ObjectKind.Upstream;
}

/// <summary>One endpoint of an upstream.</summary>
/// <param name="Host">An IP address.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Weight">Its share; 0 gets nothing beside a positive one.</param>
public sealed record UpstreamNode(string Host, uint Port, long Weight)
{
    /// <summary>The name that the address was found under. APISIX keeps what it has resolved itself in the same place.</summary>
    public string? Domain { get; init; }
}

/// <summary>How connections to endpoints are kept.</summary>
/// <param name="Size">How many idle ones a worker keeps.</param>
/// <param name="IdleTimeout">Seconds that one may be idle.</param>
/// <param name="Requests">How many requests one carries.</param>
public sealed record KeepalivePool(int Size, double IdleTimeout, uint Requests);

/// <summary>Time limits in seconds, each above 0.</summary>
/// <param name="Connect">For the TCP connection.</param>
/// <param name="Send">Between two writes of the request.</param>
/// <param name="Read">Between two reads of the answer.</param>
public sealed record UpstreamTimeout(double Connect, double Send, double Read);

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
