namespace Amesh.Grpc;

/// <summary>Connections to one gRPC server. Made at the first call, kept, and made anew when they break; safe for concurrent use.</summary>
public sealed class GrpcChannel : IAsyncDisposable
{
    /// <summary>Makes a channel; connects nothing.</summary>
    /// <exception cref="ArgumentException">An option is not usable; the message says which and why.</exception>
    public GrpcChannel(GrpcChannelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
    }

    internal GrpcChannelOptions Options { get; }

    /// <summary>Starts a call of any kind. Returns at once; what fails is told by the call's own methods.</summary>
    /// <param name="method"><c>/package.Service/Method</c>.</param>
    /// <param name="options">Metadata, deadline, compression.</param>
    /// <param name="cancellationToken">Ends the call with <see cref="GrpcStatusCode.Cancelled"/>.</param>
    public GrpcCall StartCall(string method, GrpcCallOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <summary>One message there, one back.</summary>
    /// <exception cref="GrpcException">The call did not end with OK.</exception>
    public Task<ReadOnlyMemory<byte>> CallUnaryAsync(string method, ReadOnlyMemory<byte> message, GrpcCallOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <summary>Ends all calls with <see cref="GrpcStatusCode.Cancelled"/> and closes the connections.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
