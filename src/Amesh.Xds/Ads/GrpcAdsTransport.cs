using Amesh.Grpc;

namespace Amesh.Xds.Ads;

/// <summary>The client's streams over gRPC.</summary>
internal sealed class GrpcAdsTransport(AdsClientOptions options) : IAdsTransport
{
    private readonly GrpcChannel _channel = new(new GrpcChannelOptions
    {
        Address = options.Address,
        Tls = options.Tls,
        MaxReceiveMessageSize = options.MaxMessageSize,
        KeepAlivePingDelay = options.KeepAlive,
    });

    public IAdsCall Start(string method, CancellationToken ct)
    {
        var metadata = new GrpcMetadata();
        foreach ((string name, string value) in options.Headers)
        {
            metadata.Add(name, Resolve(name, value));
        }

        return new Call(_channel.StartCall(method, new GrpcCallOptions { Metadata = metadata }, ct));
    }

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    private static string Resolve(string header, string value)
    {
        int at = value.StartsWith("@/", StringComparison.Ordinal) ? 0 : value.IndexOf(" @/", StringComparison.Ordinal) + 1;
        if (at == 0 && !value.StartsWith("@/", StringComparison.Ordinal))
        {
            return value;
        }

        string file = value[(at + 1)..];
        try
        {
            return value[..at] + File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GrpcException(GrpcStatusCode.Unauthenticated, $"header {header}: {e.Message}", innerException: e);
        }
    }

    private sealed class Call(GrpcCall call) : IAdsCall
    {
        public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct) => call.WriteAsync(message, ct);

        public ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct) => call.ReadAsync(ct);

        public ValueTask DisposeAsync() => call.DisposeAsync();
    }
}
