namespace Amesh.Grpc.Client;

/// <summary>How a call ended. Set once.</summary>
internal sealed record CallEnd(GrpcStatusCode Code, string Detail, GrpcMetadata? Trailers = null, Exception? Cause = null)
{
    /// <summary>A new one for each who asks: a thrown exception collects stack traces.</summary>
    public GrpcException ToException() => new(Code, Detail, Trailers, Cause);
}
