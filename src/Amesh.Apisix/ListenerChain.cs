namespace Amesh.Apisix;

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
