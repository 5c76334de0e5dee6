namespace Amesh.Apisix;

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
