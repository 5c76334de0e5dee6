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

/// <summary>One of several clusters.</summary>
public sealed record WeightedCluster
{
    /// <summary>The cluster's upstream.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>Instead of an upstream: the connection's original destination.</summary>
    public bool? OriginalDst { get; init; }

    /// <summary>What the cluster of that destination says besides.</summary>
    public OriginalDestination? OriginalDstFrom { get; init; }

    /// <summary>Instead of an upstream: the header, in lower case, that names the cluster.</summary>
    public string? ClusterHeader { get; init; }

    /// <summary>Its share of the sum of all weights; 0 is never drawn.</summary>
    public required uint Weight { get; init; }

    /// <summary>The answer where the cluster is not there, other than 503.</summary>
    public uint? NotFoundStatus { get; init; }

    /// <summary>Changes of request headers for this cluster alone.</summary>
    public IReadOnlyList<HeaderMutation>? RequestHeaders { get; init; }

    /// <summary>Changes of response headers for this cluster alone.</summary>
    public IReadOnlyList<HeaderMutation>? ResponseHeaders { get; init; }

    /// <summary>A Host for this cluster alone.</summary>
    public string? HostRewrite { get; init; }
}

/// <summary>How long a stream may last, from the request's first byte.</summary>
public sealed record StreamLimit
{
    /// <summary>Seconds; none for any time.</summary>
    public double? Seconds { get; init; }

    /// <summary>Seconds that a gRPC client's own limit is capped to; 0 for no cap; none where that limit does not count.</summary>
    public double? GrpcMax { get; init; }

    /// <summary>Seconds that a gRPC client's own limit is shortened by.</summary>
    public double? GrpcOffset { get; init; }
}

/// <summary>Envoy's retry policy. Source: config.route.v3.RetryPolicy.</summary>
public sealed record Retry
{
    /// <summary>Envoy's conditions, for example <c>connect-failure</c>, <c>5xx</c>, <c>retriable-status-codes</c>.</summary>
    public required IReadOnlyList<string> On { get; init; }

    /// <summary>The codes that <c>retriable-status-codes</c> stands for.</summary>
    public IReadOnlyList<uint>? Statuses { get; init; }

    /// <summary>How many tries may follow the first.</summary>
    public required uint Num { get; init; }

    /// <summary>Seconds for one try.</summary>
    public double? PerTryTimeout { get; init; }

    /// <summary>Seconds one try may be idle.</summary>
    public double? PerTryIdleTimeout { get; init; }

    /// <summary>Seconds: the back-off before retry n is drawn from 0 to (2^n - 1) times this.</summary>
    public double BaseInterval { get; init; } = 0.025;

    /// <summary>Seconds: the longest back-off.</summary>
    public double MaxInterval { get; init; } = 0.25;

    /// <summary>Whether endpoints that were tried are passed over.</summary>
    public bool? PreviousHosts { get; init; }

    /// <summary>How often another endpoint is drawn before one that was tried is taken.</summary>
    public long? HostAttempts { get; init; }

    /// <summary>The answers that <c>retriable-headers</c> stands for: a condition on <c>amesh_header_NAME</c> of the answer.</summary>
    public IReadOnlyList<Predicate>? Headers { get; init; }

    /// <summary>Which requests may be tried again; none for all.</summary>
    public IReadOnlyList<Predicate>? RequestHeaders { get; init; }

    /// <summary>Waits that answers ask for.</summary>
    public RateLimitedRetry? RateLimited { get; init; }
}

/// <summary>Waits before a retry that answers ask for.</summary>
/// <param name="Headers">The headers that ask; the first with a usable value counts.</param>
/// <param name="MaxInterval">Seconds: what asks for more is not heeded.</param>
public sealed record RateLimitedRetry(IReadOnlyList<ResetHeader> Headers, double MaxInterval);

/// <summary>A header that asks for a wait.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Format"><c>seconds</c>, or <c>unix_timestamp</c>.</param>
public sealed record ResetHeader(string Name, string Format);

/// <summary>Faults, in the order in which they happen. Shares are parts per million.</summary>
public sealed record Fault
{
    /// <summary>Conditions that a request must meet, all of them, for any fault to happen to it; null: none.</summary>
    public IReadOnlyList<Predicate>? When { get; init; }

    /// <summary>How many requests may suffer a fault at a time; null: any number.</summary>
    public uint? MaxActive { get; init; }

    /// <summary>A wait before the request goes on.</summary>
    public FaultDelay? Delay { get; init; }

    /// <summary>An answer instead of the request going on.</summary>
    public FaultAbort? Abort { get; init; }

    /// <summary>A limit to how fast the answer goes out.</summary>
    public FaultRate? Rate { get; init; }
}

/// <summary>A wait.</summary>
/// <param name="Ppm">For how many of a million requests; the most where the request asks for a share itself.</param>
public sealed record FaultDelay(long Ppm)
{
    /// <summary>How long; null where the request's headers say it.</summary>
    public double? Seconds { get; init; }

    /// <summary>Where the request's headers say it: how many parts per million one of the share they ask for is.</summary>
    public long? HeaderUnit { get; init; }
}

/// <summary>An error.</summary>
/// <param name="Ppm">For how many of a million requests; the most where the request asks for a share itself.</param>
public sealed record FaultAbort(long Ppm)
{
    /// <summary>The HTTP status; null where the request's headers say it.</summary>
    public uint? Status { get; init; }

    /// <summary>A gRPC status instead of an HTTP one.</summary>
    public uint? GrpcStatus { get; init; }

    /// <summary>Where the request's headers say it: how many parts per million one of the share they ask for is.</summary>
    public long? HeaderUnit { get; init; }
}

/// <summary>A limit to how fast an answer goes out.</summary>
/// <param name="Ppm">For how many of a million requests; the most where the request asks for a share itself.</param>
public sealed record FaultRate(long Ppm)
{
    /// <summary>In KiB/s; null where the request's headers say it.</summary>
    public ulong? Kbps { get; init; }

    /// <summary>Where the request's headers say it: how many parts per million one of the share they ask for is.</summary>
    public long? HeaderUnit { get; init; }
}

/// <summary>One change of a header.</summary>
/// <param name="Op"><c>set</c>, <c>append</c>, <c>add_if_absent</c>, <c>overwrite_if_exists</c> or <c>remove</c>.</param>
/// <param name="Name">The header, in lower case.</param>
/// <param name="Value">Its value; none for <c>remove</c>.</param>
public sealed record HeaderMutation(string Op, string Name, string? Value)
{
    /// <summary>Whether the value has Envoy's command operators (<c>%REQ(x)%</c>).</summary>
    public bool? Format { get; init; }

    /// <summary>Whether a value that turns out to be empty is written all the same.</summary>
    public bool? KeepEmpty { get; init; }
}

/// <summary>A new path; one of the three forms.</summary>
public sealed record PathRewrite
{
    /// <summary>The matched prefix, which <see cref="To"/> replaces.</summary>
    public string? Prefix { get; init; }

    /// <summary>What replaces the prefix.</summary>
    public string? To { get; init; }

    /// <summary>The whole new path.</summary>
    public string? Path { get; init; }

    /// <summary>A regular expression (PCRE) whose matches are replaced by <see cref="Substitution"/>.</summary>
    public string? Regex { get; init; }

    /// <summary>The replacement, with <c>\1</c> for groups.</summary>
    public string? Substitution { get; init; }
}

/// <summary>A new Host; one of the forms.</summary>
public sealed record HostRewrite
{
    /// <summary>This name.</summary>
    public string? Literal { get; init; }

    /// <summary>The value of this request header.</summary>
    public string? Header { get; init; }

    /// <summary>The endpoint's own host name.</summary>
    public bool? Auto { get; init; }

    /// <summary>The path with matches of this expression replaced by <see cref="Substitution"/>.</summary>
    public string? PathRegex { get; init; }

    /// <summary>The replacement, with <c>\1</c> for groups.</summary>
    public string? Substitution { get; init; }
}

/// <summary>A redirect. What is not given is kept from the request.</summary>
public sealed record Redirect
{
    /// <summary>301, 302, 303, 307 or 308.</summary>
    public required uint Status { get; init; }

    /// <summary><c>http</c> or <c>https</c>.</summary>
    public string? Scheme { get; init; }

    /// <summary>The host.</summary>
    public string? Host { get; init; }

    /// <summary>The port.</summary>
    public uint? Port { get; init; }

    /// <summary>The whole path, perhaps with a query.</summary>
    public string? Path { get; init; }

    /// <summary>The path, or the part of it that <see cref="PathRewrite"/> says, is rewritten.</summary>
    public PathRewrite? Rewrite { get; init; }

    /// <summary>Whether the query is left out.</summary>
    public bool? StripQuery { get; init; }
}

/// <summary>An answer that is given at once.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body.</param>
public sealed record DirectResponse(uint Status, string? Body);

/// <summary>A copy of requests.</summary>
/// <param name="UpstreamId">Where it goes.</param>
/// <param name="Ppm">For how many of a million requests.</param>
public sealed record Mirror(string UpstreamId, long Ppm)
{
    /// <summary>Whether copies keep the request's Host; else <c>-shadow</c> is added to its name.</summary>
    public bool? KeepHost { get; init; }
}

/// <summary>Cross-origin rules. Source: extensions.filters.http.cors.v3.CorsPolicy.</summary>
public sealed record Cors
{
    /// <summary>Which values of <c>Origin</c> are allowed; <c>*</c> whole is any.</summary>
    public required IReadOnlyList<StringMatch> AllowOrigins { get; init; }

    /// <summary>The value of <c>access-control-allow-methods</c>.</summary>
    public string? AllowMethods { get; init; }

    /// <summary>The value of <c>access-control-allow-headers</c>.</summary>
    public string? AllowHeaders { get; init; }

    /// <summary>The value of <c>access-control-expose-headers</c>.</summary>
    public string? ExposeHeaders { get; init; }

    /// <summary>The value of <c>access-control-max-age</c>.</summary>
    public string? MaxAge { get; init; }

    /// <summary>Whether credentials are allowed.</summary>
    public bool? AllowCredentials { get; init; }

    /// <summary>Whether a preflight of an origin that is not allowed goes on to the endpoint.</summary>
    public bool? ForwardNotMatchingPreflights { get; init; }
}

/// <summary>One part of a balancer's hash; one of the sources.</summary>
public sealed record HashPolicy
{
    /// <summary>A request header.</summary>
    public string? Header { get; init; }

    /// <summary>A cookie.</summary>
    public HashCookie? Cookie { get; init; }

    /// <summary>A query parameter.</summary>
    public string? Query { get; init; }

    /// <summary>The client's address.</summary>
    public bool? SourceIp { get; init; }

    /// <summary>Whether the parts after this one are left out when this one has a value.</summary>
    public bool? Terminal { get; init; }
}

/// <summary>A cookie that a hash is made of.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Ttl">Seconds; when given, a cookie is made for a client that has none. 0: until the browser ends.</param>
/// <param name="Path">The path of a cookie that is made.</param>
public sealed record HashCookie(string Name, double? Ttl, string? Path);

/// <summary>What is otherwise than usual about going to a connection's original destination.</summary>
public sealed record OriginalDestination
{
    /// <summary>A request header that may name another destination, as <c>address:port</c>.</summary>
    public string? Header { get; init; }

    /// <summary>The port that is taken in place of the destination's.</summary>
    public uint? Port { get; init; }

    /// <summary>Seconds for the TCP connection; 10 where nothing is said.</summary>
    public double? ConnectTimeout { get; init; }

    /// <summary>The own address that the connection comes from; null: what the system chooses.</summary>
    public string? BindSource { get; init; }

    /// <summary>The cluster's circuit breakers, as the label of an upstream has them.</summary>
    public string? CircuitBreaker { get; init; }

    /// <summary>What they count under; null where there are none.</summary>
    public string? Cluster { get; init; }
}
