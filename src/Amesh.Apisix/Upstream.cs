namespace Amesh.Apisix;

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

    /// <summary><c>pass</c>: endpoints get the request's own Host.</summary>
    public string? PassHost { get; init; }

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
