namespace Amesh.Health;

/// <summary>One connection in HTTP/1.1 or HTTP/2, made when it is first needed.</summary>
/// <remarks>The runtime's own client, on connections of ours: TLS offers what the cluster asks for, and is checked as it asks.</remarks>
internal sealed class HttpConnection(HealthTarget target, bool http2, Func<HealthTls?> tls) : IDisposable
{
    private HttpMessageInvoker? _client;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        request.Version = http2 ? System.Net.HttpVersion.Version20 : System.Net.HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        _client ??= new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            MaxConnectionsPerServer = 1,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            ConnectCallback = async (_, connecting) => await Connection.OpenAsync(target, tls(), isHttp: true, connecting).ConfigureAwait(false),
        });

        return await _client.SendAsync(request, ct).ConfigureAwait(false);
    }

    // TLS is ours, so that the client need not know; and the path goes out as it is written.
    public static Uri UriOf(string path) => new(
        "http://endpoint" + (path.StartsWith('/') ? path : "/" + path), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    public void Reset()
    {
        _client?.Dispose();
        _client = null;
    }

    public void Dispose() => Reset();
}
