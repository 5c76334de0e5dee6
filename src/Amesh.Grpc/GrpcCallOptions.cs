namespace Amesh.Grpc;

/// <summary>What one call adds to its channel's options.</summary>
public sealed record GrpcCallOptions
{
    /// <summary>Request metadata. <c>user-agent</c> replaces the transport's own.</summary>
    public GrpcMetadata? Metadata { get; init; }

    /// <summary>When the call ends with <see cref="GrpcStatusCode.DeadlineExceeded"/> if it has not ended by then; the server is told. Null = never.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Compress messages that are sent. Compressed ones are always taken.</summary>
    public bool SendGzip { get; init; }
}
