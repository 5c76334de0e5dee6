namespace Amesh.Xds.Ads;

/// <summary>What the client needs of gRPC, so that tests can play a control plane's part message by message.</summary>
internal interface IAdsTransport : IAsyncDisposable
{
    /// <summary>Starts a bidirectional call. What fails is told by the call's own methods.</summary>
    IAdsCall Start(string method, CancellationToken ct);
}

/// <summary>One bidirectional call.</summary>
internal interface IAdsCall : IAsyncDisposable
{
    /// <exception cref="Grpc.GrpcException">The call has ended; reading tells how.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct);

    /// <summary>The next message, or null when the server ended the call with OK.</summary>
    /// <exception cref="Grpc.GrpcException">The call ended otherwise.</exception>
    ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct);
}
