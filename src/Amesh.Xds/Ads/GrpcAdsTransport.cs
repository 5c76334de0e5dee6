using Amesh.Grpc;

namespace Amesh.Xds.Ads;

/// <summary>The client's streams over gRPC.</summary>
internal sealed class GrpcAdsTransport : IAdsTransport
{
    private readonly IReadOnlyList<KeyValuePair<string, string>> _headers;
    private readonly GrpcChannel _channel;

    /// <exception cref="ArgumentException">An option cannot be used.</exception>
    public GrpcAdsTransport(AdsClientOptions options)
    {
        _headers = options.Headers;
        _channel = new GrpcChannel(new GrpcChannelOptions
        {
            Address = options.Address,
            Tls = options.Tls,
            MaxReceiveMessageSize = options.MaxMessageSize,
            KeepAlivePingDelay = options.KeepAlive,
        });

        // Now, and not with every stream: another attempt would not mend them.
        var metadata = new GrpcMetadata();
        foreach ((string name, string value) in _headers)
        {
            metadata.Add(name, FileOf(value) is null ? value : "");
        }
    }

    public IAdsCall Start(string method, CancellationToken ct)
    {
        var metadata = new GrpcMetadata();
        foreach ((string name, string value) in _headers)
        {
            Add(metadata, name, value);
        }

        return new Call(_channel.StartCall(method, new GrpcCallOptions { Metadata = metadata }, ct));
    }

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    // What stands before the name of a file, and the name; null where the value is meant as it is.
    private static (string Before, string File)? FileOf(string value)
    {
        int at = value.StartsWith("@/", StringComparison.Ordinal) ? 0 : value.IndexOf(" @/", StringComparison.Ordinal) + 1;
        return at > 0 || value.StartsWith("@/", StringComparison.Ordinal) ? (value[..at], value[(at + 1)..]) : null;
    }

    private static void Add(GrpcMetadata metadata, string name, string value)
    {
        if (FileOf(value) is not var (before, file))
        {
            metadata.Add(name, value);
            return;
        }

        try
        {
            metadata.Add(name, before + File.ReadAllText(file).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string reason = e is ArgumentException ? $"{file} has more than one line, or characters that are not ASCII" : e.Message;
            throw new GrpcException(GrpcStatusCode.Unauthenticated, $"header {name}: {reason}", innerException: e);
        }
    }

    private sealed class Call(GrpcCall call) : IAdsCall
    {
        public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct) => call.WriteAsync(message, ct);

        public ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct) => call.ReadAsync(ct);

        public ValueTask DisposeAsync() => call.DisposeAsync();
    }
}
