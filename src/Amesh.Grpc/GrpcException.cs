namespace Amesh.Grpc;

/// <summary>
/// A call that did not end with <see cref="GrpcStatusCode.OK"/>: either the status that the server sent, or one that the client made
/// because of what happened to the connection. Thrown inside a server's handler, it becomes the call's status.
/// </summary>
public sealed class GrpcException : Exception
{
    /// <summary>Makes the exception of a call that ended with this status.</summary>
    /// <param name="statusCode">The status.</param>
    /// <param name="detail">What happened, for people.</param>
    /// <param name="trailers">Metadata that ended the call, if any came or is to be sent.</param>
    /// <param name="innerException">What caused it.</param>
    public GrpcException(GrpcStatusCode statusCode, string detail, GrpcMetadata? trailers = null, Exception? innerException = null)
        : base($"{statusCode}: {detail}", innerException)
    {
        StatusCode = statusCode;
        Detail = detail;
        Trailers = trailers;
    }

    /// <summary>The status; never <see cref="GrpcStatusCode.OK"/> when a client's call throws it.</summary>
    public GrpcStatusCode StatusCode { get; }

    /// <summary>What happened, for people: the server's <c>grpc-message</c>, or which address failed and how.</summary>
    public string Detail { get; }

    /// <summary>Metadata that ended the call; null when the status is not the server's.</summary>
    public GrpcMetadata? Trailers { get; }
}
