namespace Amesh.Grpc;

/// <summary>Where a channel goes and how it behaves.</summary>
public sealed record GrpcChannelOptions
{
    /// <summary>The default of <see cref="MaxReceiveMessageSize"/>: 256 MiB, since meshes of some thousand services pass gRPC's usual 4 MiB.</summary>
    public const int DefaultMaxReceiveMessageSize = 256 * 1024 * 1024;

    /// <summary><c>http://host:port</c> (plaintext), <c>https://host:port</c> (TLS) or <c>unix:/path</c> (TLS there only if <see cref="Tls"/> is set).</summary>
    public required Uri Address { get; init; }

    /// <summary>Largest message, in bytes and after decompression, that is taken; a larger one ends its call with <see cref="GrpcStatusCode.ResourceExhausted"/>.</summary>
    public int MaxReceiveMessageSize { get; init; } = DefaultMaxReceiveMessageSize;

    /// <summary>
    /// How long a connection with calls may be quiet before it is pinged; null = never. At least one second. Many servers close
    /// connections that ping more often than every few minutes (grpc-go: 5 minutes unless it is told otherwise).
    /// </summary>
    public TimeSpan? KeepAlivePingDelay { get; init; }

    /// <summary>How long the answer to a ping may take before the connection counts as dead; null = 20 s. At least one second.</summary>
    public TimeSpan? KeepAlivePingTimeout { get; init; }

    /// <summary>How long resolving, connecting and the TLS handshake may take together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What TLS uses; null = the system's certificate authorities and no client certificate. Not allowed with <c>http://</c>.</summary>
    public GrpcTlsOptions? Tls { get; init; }
}
