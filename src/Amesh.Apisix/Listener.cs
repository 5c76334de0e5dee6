namespace Amesh.Apisix;

/// <summary>
/// Amesh's own: what becomes of connections to one destination (a prefix, a port, any) of an Envoy listener. A listener has one
/// such object for each destination that its chains name, so that one changed chain rewrites one object.
/// </summary>
public sealed record Listener : ApisixObject
{
    /// <summary>The Envoy listener's own IP address; <c>0.0.0.0</c> and <c>::</c> stand for any.</summary>
    public required string Address { get; init; }

    /// <summary>The Envoy listener's own port.</summary>
    public required uint Port { get; init; }

    /// <summary>
    /// <c>handoff</c>: a connection goes to the listener that is for its original destination, and stays here where there is none.
    /// <c>restore</c>: chains are matched with the original destination. Null: with the address that it arrived at.
    /// </summary>
    public string? OriginalDst { get; init; }

    /// <summary>Whether Envoy would bind the port; other listeners get connections from those that hand them on.</summary>
    public bool? Bound { get; init; }

    /// <summary><c>outbound</c>, <c>inbound</c>, or null where it is not said.</summary>
    public string? Direction { get; init; }

    /// <summary>The destination's port; null for any that no other object of the listener has.</summary>
    public uint? DestinationPort { get; init; }

    /// <summary>The destination's address, as <c>10.0.0.0/8</c>; null for any.</summary>
    public string? DestinationPrefix { get; init; }

    /// <summary>What is learnt from a connection's first bytes before a chain is chosen: <c>tls</c>, <c>http</c>.</summary>
    public IReadOnlyList<string>? Inspect { get; init; }

    /// <summary>Destination ports for which one of <see cref="Inspect"/> is left out.</summary>
    public IReadOnlyList<UninspectedPorts>? InspectExcept { get; init; }

    /// <summary>Seconds that the first bytes are waited for; 0 for ever, null where nothing is inspected.</summary>
    public double? InspectTimeout { get; init; }

    /// <summary>Whether a connection goes on, as one that says nothing, when the time is over; else it is closed.</summary>
    public bool? ContinueOnTimeout { get; init; }

    /// <summary>The chains of this destination. The most specific match wins, whatever the order.</summary>
    public required IReadOnlyList<ListenerChain> Chains { get; init; }

    /// <summary>Takes what no chain of the whole listener takes; stands at the object for any destination.</summary>
    public ListenerChain? DefaultChain { get; init; }

    internal override ObjectKind Kind => ObjectKind.Listener;
}

/// <summary>Destination ports whose connections are not looked into.</summary>
/// <param name="Inspector"><c>tls</c> or <c>http</c>.</param>
/// <param name="From">The first port.</param>
/// <param name="To">The last port.</param>
public sealed record UninspectedPorts(string Inspector, uint From, uint To);

/// <summary>
/// A filter chain: which connections it takes, beside their destination, and what becomes of them. With neither
/// <see cref="Http"/> nor <see cref="StreamRoute"/> they are closed.
/// </summary>
public sealed record ListenerChain
{
    /// <summary>Its name, unique in the listener.</summary>
    public required string Name { get; init; }

    /// <summary>Server names (SNI): <c>a.b</c> or <c>*.c</c>, in lower case.</summary>
    public IReadOnlyList<string>? ServerNames { get; init; }

    /// <summary><c>tls</c> or <c>raw_buffer</c>; null for both.</summary>
    public string? Transport { get; init; }

    /// <summary>Application protocols, of which the connection must offer one.</summary>
    public IReadOnlyList<string>? Alpn { get; init; }

    /// <summary><c>same_ip_or_loopback</c> or <c>external</c>; null for any.</summary>
    public string? SourceType { get; init; }

    /// <summary>The addresses that it takes, as <c>10.0.0.0/8</c>, before any PROXY protocol.</summary>
    public IReadOnlyList<string>? DirectSourcePrefixes { get; init; }

    /// <summary>The addresses that it takes, as <c>10.0.0.0/8</c>.</summary>
    public IReadOnlyList<string>? SourcePrefixes { get; init; }

    /// <summary>The source ports that it takes.</summary>
    public IReadOnlyList<uint>? SourcePorts { get; init; }

    /// <summary>What connections must get through first, in Envoy's order; null where there is nothing.</summary>
    public IReadOnlyList<ChainFilter>? NetworkFilters { get; init; }

    /// <summary>Set for a chain that speaks HTTP.</summary>
    public HttpChain? Http { get; init; }

    /// <summary>Set for a TCP proxy: id of its stream route.</summary>
    public string? StreamRoute { get; init; }

    /// <summary>Set where the chain ends TLS.</summary>
    public ChainTls? Tls { get; init; }
}

/// <summary>What an HTTP connection manager asks for, beside its routes. Null stands for Envoy's default.</summary>
public sealed record HttpChain
{
    /// <summary>The route configuration that its requests are routed by.</summary>
    public required string RouteConfig { get; init; }

    /// <summary>What requests must get through, in Envoy's order; null where there is nothing.</summary>
    public IReadOnlyList<ChainFilter>? Filters { get; init; }

    /// <summary>Whether <c>.</c> and <c>..</c> are resolved before matching and in what the endpoint sees.</summary>
    public bool? NormalizePath { get; init; }

    /// <summary>Whether adjacent slashes become one.</summary>
    public bool? MergeSlashes { get; init; }

    /// <summary>What becomes of <c>%2F</c> and <c>%5C</c>: <c>reject</c>, <c>unescape_redirect</c>, <c>unescape_forward</c>; null: they stay.</summary>
    public string? EscapedSlashes { get; init; }

    /// <summary><c>http1</c> or <c>http2</c> where only one is taken.</summary>
    public string? Codec { get; init; }

    /// <summary>
    /// What becomes of <c>x-forwarded-client-cert</c>: <c>forward_only</c>, <c>append_forward</c>, <c>sanitize_set</c>,
    /// <c>always_forward_only</c>; null: it is removed.
    /// </summary>
    public string? ForwardClientCert { get; init; }

    /// <summary>What is told of the client's certificate: <c>subject</c>, <c>uri</c>, <c>dns</c>, <c>cert</c>, <c>chain</c>.</summary>
    public IReadOnlyList<string>? ClientCertDetails { get; init; }

    /// <summary>Whether the connection's own peer is the client, and goes into <c>x-forwarded-for</c>.</summary>
    public bool? UseRemoteAddress { get; init; }

    /// <summary>How many proxies in front are believed what they say in <c>x-forwarded-for</c>.</summary>
    public uint? XffNumTrustedHops { get; init; }

    /// <summary>Whether <c>x-forwarded-for</c> stays as it came although the peer is the client.</summary>
    public bool? SkipXffAppend { get; init; }

    /// <summary>Ranges of addresses whose clients may tell the proxy what to do; null: nobody may.</summary>
    public IReadOnlyList<string>? InternalAddresses { get; init; }

    /// <summary><c>none</c>: no request ids are made; <c>preserve</c>: those from outside are kept, too; null: Envoy's default.</summary>
    public string? RequestId { get; init; }

    /// <summary>Whether the client is told its request's id.</summary>
    public bool? RequestIdInResponse { get; init; }

    /// <summary>Which protocols a request may ask to switch to, by name in lower case; null: <c>websocket</c> alone.</summary>
    public IReadOnlyDictionary<string, bool>? Upgrades { get; init; }

    /// <summary>Seconds after which a connection without requests is closed.</summary>
    public double? IdleTimeout { get; init; }

    /// <summary>Seconds in which a request must have come in whole.</summary>
    public double? RequestTimeout { get; init; }
}

/// <summary>How a chain ends TLS.</summary>
public sealed record ChainTls
{
    /// <summary>Id of the certificate in APISIX's own form, where server names choose it.</summary>
    public string? Ssl { get; init; }

    /// <summary>Id of the secret with certificate and key.</summary>
    public string? Certificate { get; init; }

    /// <summary>Id of the secret with the authorities that clients are checked by; null where clients are not checked.</summary>
    public string? Validation { get; init; }

    /// <summary>Clients are checked by the authorities of the system.</summary>
    public bool? SystemCa { get; init; }

    /// <summary>Names of which a client's certificate must have one.</summary>
    public IReadOnlyList<SanMatch>? Sans { get; init; }

    /// <summary>Whether a client without a certificate is refused.</summary>
    public bool? RequireClientCertificate { get; init; }

    /// <summary>The application protocols that are offered.</summary>
    public IReadOnlyList<string>? Alpn { get; init; }

    /// <summary>The oldest version taken: <c>TLSv1.2</c>; null for Envoy's default.</summary>
    public string? MinVersion { get; init; }

    /// <summary>The newest version taken.</summary>
    public string? MaxVersion { get; init; }
}
