using System.Net;
using Amesh.Grpc.Client;
using Amesh.Grpc.Wire;

namespace Amesh.Grpc;

/// <summary>Connections to one gRPC server. Made at the first call, kept, and made anew when they break; safe for concurrent use.</summary>
public sealed class GrpcChannel : IAsyncDisposable
{
    private static readonly string UserAgent = $"amesh-grpc/{typeof(GrpcChannel).Assembly.GetName().Version?.ToString(3)}";

    private readonly HttpMessageInvoker _http;
    private readonly CancellationTokenSource _closing = new();
    private int _disposed;

    /// <summary>Makes a channel; connects nothing.</summary>
    /// <exception cref="ArgumentException">An option is not usable; the message says which and why.</exception>
    public GrpcChannel(GrpcChannelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.MaxReceiveMessageSize <= 0 || options.ConnectTimeout <= TimeSpan.Zero)
        {
            throw new ArgumentException("MaxReceiveMessageSize and ConnectTimeout must be greater than zero", nameof(options));
        }
        if (options.KeepAlivePingDelay < TimeSpan.FromSeconds(1) || options.KeepAlivePingTimeout < TimeSpan.FromSeconds(1))
        {
            throw new ArgumentException("KeepAlivePingDelay and KeepAlivePingTimeout must be at least one second", nameof(options));
        }
        Options = options;
        Target = Target.From(options);
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = new Connector(Target, options.Tls, options.ConnectTimeout).ConnectAsync,
            // The connector has the limit, so that its error can say what it was doing.
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = 1024 * 1024,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        };
        if (options.KeepAlivePingDelay is { } delay)
        {
            handler.KeepAlivePingDelay = delay;
            handler.KeepAlivePingTimeout = options.KeepAlivePingTimeout ?? TimeSpan.FromSeconds(20);
        }
        _http = new HttpMessageInvoker(handler);
    }

    internal GrpcChannelOptions Options { get; }

    internal Target Target { get; }

    /// <summary>Starts a call of any kind. Returns at once; what fails is told by the call's own methods.</summary>
    /// <param name="method"><c>/package.Service/Method</c>.</param>
    /// <param name="options">Metadata, deadline, compression.</param>
    /// <param name="cancellationToken">Ends the call with <see cref="GrpcStatusCode.Cancelled"/>.</param>
    public GrpcCall StartCall(string method, GrpcCallOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        if (method[0] != '/' || method.IndexOf('/', 1) < 2)
        {
            throw new ArgumentException($"'{method}' is not a gRPC method: write /package.Service/Method", nameof(method));
        }
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        options ??= new GrpcCallOptions();
        TimeSpan? timeout = options.Deadline - DateTimeOffset.UtcNow;
        DuplexContent content = new();
        HttpRequestMessage request = BuildRequest(method, options, timeout, content);
        return new GrpcCall(this, _http, request, content, options.SendGzip, timeout, cancellationToken, _closing.Token);
    }

    /// <summary>One message there, one back.</summary>
    /// <param name="method"><c>/package.Service/Method</c>.</param>
    /// <param name="message">The request.</param>
    /// <param name="options">Metadata, deadline, compression.</param>
    /// <param name="cancellationToken">Ends the call with <see cref="GrpcStatusCode.Cancelled"/>.</param>
    /// <exception cref="GrpcException">The call did not end with OK, or not with exactly one message.</exception>
    public async Task<ReadOnlyMemory<byte>> CallUnaryAsync(string method, ReadOnlyMemory<byte> message, GrpcCallOptions? options = null, CancellationToken cancellationToken = default)
    {
        GrpcCall call = StartCall(method, options, cancellationToken);
        await using (call.ConfigureAwait(false))
        {
            try
            {
                await call.WriteAsync(message, CancellationToken.None).ConfigureAwait(false);
                await call.CompleteAsync().ConfigureAwait(false);
            }
            catch (GrpcException)
            {
                // The server may answer before it has read the request; what it answered counts.
            }
            ReadOnlyMemory<byte> answer = await call.ReadAsync(CancellationToken.None).ConfigureAwait(false)
                ?? throw new GrpcException(GrpcStatusCode.Internal, $"{Target.Text} answered {method} with OK but without a message", call.Trailers);
            return await call.ReadAsync(CancellationToken.None).ConfigureAwait(false) is null
                ? answer
                : throw new GrpcException(GrpcStatusCode.Internal, $"{Target.Text} answered {method} with more than one message: it is not unary");
        }
    }

    /// <summary>Ends all calls with <see cref="GrpcStatusCode.Cancelled"/> and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        await _closing.CancelAsync().ConfigureAwait(false);
        _http.Dispose();
    }

    private HttpRequestMessage BuildRequest(string method, GrpcCallOptions options, TimeSpan? timeout, DuplexContent content)
    {
        HttpRequestMessage request = new(HttpMethod.Post, new Uri(Target.RequestBase, method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.Host = Target.Authority;
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation(WireFormat.AcceptEncoding, WireFormat.AcceptedEncodings);
        if (options.SendGzip)
        {
            request.Headers.TryAddWithoutValidation(WireFormat.Encoding, WireFormat.Gzip);
        }
        if (timeout is { } span)
        {
            request.Headers.TryAddWithoutValidation(WireFormat.Timeout, WireFormat.FormatTimeout(span));
        }
        bool named = false;
        foreach ((string name, string value) in options.Metadata ?? [])
        {
            named |= name == "user-agent";
            // HttpClient sorts headers into those of requests and those of contents; to gRPC they are all the same.
            if (!request.Headers.TryAddWithoutValidation(name, value) && !content.Headers.TryAddWithoutValidation(name, value))
            {
                throw new ArgumentException($"metadata '{name}' cannot be sent over HTTP", nameof(options));
            }
        }
        if (!named)
        {
            request.Headers.TryAddWithoutValidation("user-agent", UserAgent);
        }
        return request;
    }
}
