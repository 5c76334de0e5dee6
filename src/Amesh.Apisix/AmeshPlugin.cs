namespace Amesh.Apisix;

/// <summary>
/// The configuration of the plugin <c>amesh</c> on a route: all that Envoy's route asks for and no stock object or plugin
/// of APISIX means exactly. Its schema on APISIX's side is in lua/apisix/plugins/amesh.lua.
/// </summary>
public sealed record AmeshPlugin
{
    /// <summary>The request goes to where the connection was going before it was captured.</summary>
    public bool? OriginalDst { get; init; }

    /// <summary>What the cluster of that destination says besides.</summary>
    public OriginalDestination? OriginalDstFrom { get; init; }

    /// <summary><c>high</c>: the limits of the cluster's circuit breakers for high priority count; else the default ones.</summary>
    public string? Priority { get; init; }

    /// <summary>The header, in lower case, that names the cluster.</summary>
    public string? ClusterHeader { get; init; }

    /// <summary>Weighted clusters; one is drawn at random for each request.</summary>
    public IReadOnlyList<WeightedCluster>? Clusters { get; init; }

    /// <summary>Seconds for the whole request, all tries included; 504 after them.</summary>
    public double? Timeout { get; init; }

    /// <summary>Seconds without a byte in either direction.</summary>
    public double? IdleTimeout { get; init; }

    /// <summary>For gRPC, in place of <see cref="Timeout"/>: the longest time that a client may ask for, in seconds; 0 for any.</summary>
    public double? MaxGrpcTimeout { get; init; }

    /// <summary>Seconds that a gRPC client's own limit is shortened by.</summary>
    public double? GrpcTimeoutOffset { get; init; }

    /// <summary>A limit for the stream as a whole.</summary>
    public StreamLimit? MaxStream { get; init; }

    /// <summary>Which protocols a request may ask to switch to, by name in lower case, where the route says so itself.</summary>
    public IReadOnlyDictionary<string, bool>? Upgrades { get; init; }

    /// <summary>What the route says of the chain's filters, by their names.</summary>
    public IReadOnlyDictionary<string, FilterOverride>? Filters { get; init; }

    /// <summary>Request headers that are taken away from clients that are not internal.</summary>
    public IReadOnlyList<string>? InternalOnly { get; init; }

    /// <summary>When a try is followed by another.</summary>
    public Retry? Retry { get; init; }

    /// <summary>How many bytes of a request's body are kept for further tries and copies, if the listener does not allow less.</summary>
    public uint? BodyLimit { get; init; }

    /// <summary>Delays and errors made on purpose.</summary>
    public Fault? Fault { get; init; }

    /// <summary>Whether the endpoint is told in <c>x-envoy-attempt-count</c> which try this is.</summary>
    public bool? AttemptCount { get; init; }

    /// <summary>Whether the client is told in <c>x-envoy-attempt-count</c> how many tries it took.</summary>
    public bool? AttemptCountInResponse { get; init; }

    /// <summary>Changes of request headers, in order.</summary>
    public IReadOnlyList<HeaderMutation>? RequestHeaders { get; init; }

    /// <summary>Changes of response headers, in order.</summary>
    public IReadOnlyList<HeaderMutation>? ResponseHeaders { get; init; }

    /// <summary>A new path.</summary>
    public PathRewrite? Rewrite { get; init; }

    /// <summary>A new Host.</summary>
    public HostRewrite? HostRewrite { get; init; }

    /// <summary>Whether the endpoint is told in <c>x-forwarded-host</c> what a new Host has taken the place of.</summary>
    public bool? AppendForwardedHost { get; init; }

    /// <summary>The answer is a redirect.</summary>
    public Redirect? Redirect { get; init; }

    /// <summary>The answer is given here.</summary>
    public DirectResponse? DirectResponse { get; init; }

    /// <summary>Copies of the request that go elsewhere.</summary>
    public IReadOnlyList<Mirror>? Mirrors { get; init; }

    /// <summary>Cross-origin rules.</summary>
    public Cors? Cors { get; init; }

    /// <summary>What the balancer's hash is made of; the first with a value, or all of them, as Envoy combines them.</summary>
    public IReadOnlyList<HashPolicy>? Hash { get; init; }

    /// <summary>The answer where the cluster is not there, other than 503.</summary>
    public uint? NotFoundStatus { get; init; }
}
