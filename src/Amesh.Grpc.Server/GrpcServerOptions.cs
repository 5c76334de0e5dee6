namespace Amesh.Grpc.Server;

/// <summary>Where a server listens and what it takes.</summary>
public sealed record GrpcServerOptions
{
    /// <summary><c>http://ip:port</c>, <c>https://ip:port</c> (needs <see cref="Tls"/>) or <c>unix:/path</c> (TLS there if <see cref="Tls"/> is set). Port 0 = any free one; <c>localhost</c> is 127.0.0.1.</summary>
    public required Uri Address { get; init; }

    /// <summary>Also listen here for plain HTTP/1.1, for what <see cref="GrpcServer.MapHttp"/> added; null = nowhere.</summary>
    public Uri? HttpAddress { get; init; }

    /// <summary>Largest message, in bytes and after decompression, that is taken.</summary>
    public int MaxReceiveMessageSize { get; init; } = GrpcChannelOptions.DefaultMaxReceiveMessageSize;

    /// <summary>How long a connection may be quiet before it is pinged; null = never.</summary>
    public TimeSpan? KeepAlivePingDelay { get; init; }

    /// <summary>How long the answer to a ping may take before the connection is closed; null = 20 s.</summary>
    public TimeSpan? KeepAlivePingTimeout { get; init; }

    /// <summary>The files of TLS.</summary>
    public GrpcServerTlsOptions? Tls { get; init; }

    /// <summary>Told of an exception that a handler threw, other than <see cref="GrpcException"/>, with the method's name. The client only gets <see cref="GrpcStatusCode.Unknown"/>.</summary>
    public Action<string, Exception>? HandlerFailed { get; init; }
}
