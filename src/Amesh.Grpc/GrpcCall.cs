namespace Amesh.Grpc;

/// <summary>
/// One call: messages go out by <see cref="WriteAsync"/>, come in by <see cref="ReadAsync"/>, each at its own pace. One reader and any
/// number of writers at a time. Dispose it to let go of the stream; that cancels a call that has not ended.
/// </summary>
public sealed class GrpcCall : IAsyncDisposable
{
    internal GrpcCall()
    {
    }

    /// <summary>The server's initial metadata, as soon as it is there; faults with <see cref="GrpcException"/> if the call fails first. Empty when the server sent only a status.</summary>
    public Task<GrpcMetadata> ResponseHeaders => throw new NotImplementedException();

    /// <summary>The metadata that ended the call; null until it has ended, and when the server never sent any.</summary>
    public GrpcMetadata? Trailers { get; private set; }

    /// <summary>Sends one message at once, also before the server has answered anything. Completes when the connection has taken it.</summary>
    /// <param name="message">The message's bytes; must not change until this completes.</param>
    /// <param name="ct">Gives up; a message that is half sent cannot be taken back, so this ends the call.</param>
    /// <exception cref="GrpcException">The call has ended. When its status is not yet known, <see cref="ReadAsync"/> tells it.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct = default) => throw new NotImplementedException();

    /// <summary>Tells the server that no more messages follow. Does nothing when the call has ended.</summary>
    public ValueTask CompleteAsync() => throw new NotImplementedException();

    /// <summary>Takes the next message.</summary>
    /// <param name="ct">Gives up waiting, with <see cref="OperationCanceledException"/>; the call goes on and no message is lost.</param>
    /// <returns>The message, or null when the server ended the call with OK.</returns>
    /// <exception cref="GrpcException">The call ended with any other status.</exception>
    public ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct = default) => throw new NotImplementedException();

    /// <summary>Lets go of the call.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
