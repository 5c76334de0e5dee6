using Amesh.Grpc.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Amesh.Grpc.Server;

/// <summary>
/// A gRPC server of byte messages: map the methods, start, dispose. Methods may be mapped until the start. Disposing cancels the calls
/// that are under way and waits for their handlers for a moment.
/// </summary>
public sealed class GrpcServer : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private readonly GrpcServerOptions _options;
    private readonly Dictionary<string, Func<GrpcServerCall, Task>> _methods = [];
    private readonly Dictionary<(string Method, string Path), RequestDelegate> _http = [];
    private readonly CancellationTokenSource _stopping = new();
    private WebApplication? _application;

    /// <summary>Makes a server; listens on nothing yet.</summary>
    public GrpcServer(GrpcServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        Address = options.Address;
        HttpAddress = options.HttpAddress;
    }

    /// <summary>Where clients reach the server; with the port that was chosen, once it has started.</summary>
    public Uri Address { get; private set; }

    /// <summary>Where the plain HTTP endpoints are, if anywhere.</summary>
    public Uri? HttpAddress { get; private set; }

    /// <summary>Adds a method.</summary>
    /// <param name="method"><c>/package.Service/Method</c>.</param>
    /// <param name="handler">Runs the call; its return ends it with OK, a <see cref="GrpcException"/> with that status.</param>
    public GrpcServer Map(string method, Func<GrpcServerCall, Task> handler)
    {
        _methods.Add(method, handler);
        return this;
    }

    /// <summary>Adds a plain HTTP endpoint at <see cref="GrpcServerOptions.HttpAddress"/>.</summary>
    /// <param name="method"><c>GET</c>, <c>POST</c>, …</param>
    /// <param name="path">The exact path, or everything below it when it ends in <c>/</c>.</param>
    /// <param name="handler">Answers.</param>
    public GrpcServer MapHttp(string method, string path, RequestDelegate handler)
    {
        _http.Add((method, path), handler);
        return this;
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The address is in use or not this machine's.</exception>
    /// <exception cref="ArgumentException">An option is not usable; the message says which and why.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        // Empty: no files, environment or command line are looked at, and nothing is logged to the console.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Configure);
        _application = builder.Build();
        _application.Run(HandleAsync);
        await _application.StartAsync(cancellationToken).ConfigureAwait(false);

        string[] bound = [.. _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        Address = Bound(_options.Address, bound[0]);
        HttpAddress = _options.HttpAddress is { } http ? Bound(http, bound[1]) : null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_application is { } application)
        {
            _application = null;
            await application.StopAsync().ConfigureAwait(false);
            await application.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static Uri Bound(Uri wanted, string bound) => wanted.Scheme == "unix" ? wanted : new Uri(bound);

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        KestrelServerLimits limits = kestrel.Limits;
        // Streams are quiet for hours and messages have their own limit.
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.Http2.MaxStreamsPerConnection = int.MaxValue;
        limits.Http2.InitialStreamWindowSize = 1024 * 1024;
        limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
        if (_options.KeepAlivePingDelay is { } delay)
        {
            limits.Http2.KeepAlivePingDelay = delay;
            limits.Http2.KeepAlivePingTimeout = _options.KeepAlivePingTimeout ?? TimeSpan.FromSeconds(20);
        }
        Listener.Add(kestrel, _options.Address, HttpProtocols.Http2, _options.Tls);
        if (_options.HttpAddress is { } http)
        {
            Listener.Add(kestrel, http, HttpProtocols.Http1, http.Scheme == "https" ? _options.Tls : null);
        }
    }

    private Task HandleAsync(HttpContext http) => HttpProtocol.IsHttp2(http.Request.Protocol) ? HandleGrpcAsync(http) : HandleHttpAsync(http);

    private Task HandleHttpAsync(HttpContext http)
    {
        string path = http.Request.Path.Value ?? "/";
        foreach (((string method, string mapped), RequestDelegate handler) in _http)
        {
            if (method == http.Request.Method && (mapped == path || (mapped.EndsWith('/') && path.StartsWith(mapped, StringComparison.Ordinal))))
            {
                return handler(http);
            }
        }
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private async Task HandleGrpcAsync(HttpContext http)
    {
        if (!HttpMethods.IsPost(http.Request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }
        if (!WireFormat.IsGrpc(http.Request.ContentType))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        string method = http.Request.Path.Value ?? "";
        if (!_methods.TryGetValue(method, out Func<GrpcServerCall, Task>? handler))
        {
            StatusWriter.Write(http.Response, GrpcStatusCode.Unimplemented, $"unknown method {method}", []);
            return;
        }
        string timeoutText = http.Request.Headers[WireFormat.Timeout].ToString();
        TimeSpan timeout = default;
        if (timeoutText.Length > 0 && !WireFormat.TryParseTimeout(timeoutText, out timeout))
        {
            StatusWriter.Write(http.Response, GrpcStatusCode.Internal, $"grpc-timeout '{timeoutText}' is not a timeout", []);
            return;
        }
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _stopping.Token);
        DateTimeOffset? deadline = null;
        if (timeoutText.Length > 0)
        {
            deadline = timeout < TimeSpan.FromDays(3650) ? DateTimeOffset.UtcNow + timeout : null;
            // A timer of nothing would still fire a moment later.
            if (timeout == TimeSpan.Zero)
            {
                await cancel.CancelAsync().ConfigureAwait(false);
            }
            cancel.CancelAfter(timeout.TotalMilliseconds > int.MaxValue ? TimeSpan.FromMilliseconds(int.MaxValue) : timeout);
        }
        GrpcServerCall call;
        try
        {
            call = new GrpcServerCall(http, _options.MaxReceiveMessageSize, deadline, cancel.Token);
        }
        catch (GrpcException e)
        {
            http.Response.Headers[WireFormat.AcceptEncoding] = WireFormat.AcceptedEncodings;
            StatusWriter.Write(http.Response, e.StatusCode, e.Detail, []);
            return;
        }
        await RunAsync(call, handler).ConfigureAwait(false);
    }

    private async Task RunAsync(GrpcServerCall call, Func<GrpcServerCall, Task> handler)
    {
        (GrpcStatusCode code, string detail, GrpcMetadata? trailers) = (GrpcStatusCode.OK, "", null);
        try
        {
            await handler(call).ConfigureAwait(false);
        }
        catch (GrpcException e)
        {
            (code, detail, trailers) = (e.StatusCode, e.Detail, e.Trailers);
        }
        catch (OperationCanceledException) when (call.CancellationToken.IsCancellationRequested)
        {
            (code, detail) = call.IsPastDeadline
                ? (GrpcStatusCode.DeadlineExceeded, $"the deadline of {call.Method} has passed")
                : _stopping.IsCancellationRequested
                    ? (GrpcStatusCode.Unavailable, "the server is stopping")
                    : (GrpcStatusCode.Cancelled, "the call was cancelled");
        }
        catch (Exception e)
        {
            _options.HandlerFailed?.Invoke(call.Method, e);
            (code, detail) = (GrpcStatusCode.Unknown, $"the handler of {call.Method} failed: {e.GetType().Name}");
        }
        await call.EndAsync(code, detail, trailers).ConfigureAwait(false);
    }
}
