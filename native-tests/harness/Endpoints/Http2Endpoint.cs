using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Amesh.Harness.Endpoints;

/// <summary>
/// Serves HTTP/2 on connections that were accepted elsewhere: Kestrel over a transport that is handed its connections. Started at the first.
/// </summary>
internal sealed class Http2Endpoint : IAsyncDisposable
{
    private readonly RequestLog _log;
    private readonly HandedConnections _connections = new();
    private readonly Lazy<Task<WebApplication>> _application;

    public Http2Endpoint(RequestLog log)
    {
        _log = log;
        _application = new(StartAsync);
    }

    /// <summary>Serves one connection until it ends.</summary>
    public async Task ServeAsync(EndpointConnection connection, CancellationToken stop)
    {
        await _application.Value;
        await _connections.HandAsync(connection).WaitAsync(stop);
    }

    public async ValueTask DisposeAsync()
    {
        if (_application.IsValueCreated)
        {
            await using var application = await _application.Value;
            using var atOnce = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            await application.StopAsync(atOnce.Token);
        }
    }

    private async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IConnectionListenerFactory>(_connections);
        builder.WebHost.ConfigureKestrel(static options =>
        {
            options.AddServerHeader = false;
            // TLS was taken off before: requests say https where Kestrel sees none.
            options.AllowAlternateSchemes = true;
            options.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2);
        });
        var application = builder.Build();
        application.Run(AnswerAsync);
        await application.StartAsync();
        return application;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var connection = context.Features.Get<EndpointConnection>()!;
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var seen = Seen(connection, context, body.ToArray());
        _log.Add(context.Request.Headers["x-case"].FirstOrDefault(), seen);
        var answer = Answer.To(seen);
        if (answer.After > TimeSpan.Zero)
        {
            await Task.Delay(answer.After, context.RequestAborted);
        }
        context.Response.StatusCode = answer.Status;
        context.Response.Headers[Answer.EndpointHeader] = connection.Address;
        if (answer.IsReport)
        {
            context.Response.Headers.ContentType = "application/json";
            context.Response.Headers["x-from-backend"] = "yes";
        }
        await context.Response.Body.WriteAsync(answer.Body);
    }

    private static SeenRequest Seen(EndpointConnection connection, HttpContext context, byte[] body)
    {
        var headers = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (name, values) in context.Request.Headers)
        {
            var lower = name.ToLowerInvariant();
            if (lower is not ("host" or "x-case") && !lower.StartsWith(':'))
            {
                headers[lower] = [.. values.Select(static value => value ?? "")];
            }
        }
        return new SeenRequest
        {
            ServedBy = connection.Address,
            Proto = "HTTP/2.0",
            Method = context.Request.Method,
            Path = context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            Host = context.Request.Host.Value ?? "",
            Headers = headers,
            Body = body.Length > 0 ? Http1Message.Text(body) : null,
            Sni = connection.Sni,
            Peer = connection.Peer,
        };
    }

    /// <summary>A transport whose only connections are those it is handed.</summary>
    private sealed class HandedConnections : IConnectionListenerFactory, IConnectionListener
    {
        private readonly Channel<ConnectionContext> _waiting = Channel.CreateUnbounded<ConnectionContext>();

        public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 0);

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 1);
            return ValueTask.FromResult<IConnectionListener>(this);
        }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
            {
                if (_waiting.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _waiting.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();

        public async Task HandAsync(EndpointConnection connection)
        {
            var stream = new PrefixedStream(connection.Reader.Buffered, connection.Reader.Stream);
            var transport = new DuplexPipe(PipeReader.Create(stream), PipeWriter.Create(stream));
            var context = new DefaultConnectionContext(Guid.NewGuid().ToString("N"), transport, transport);
            context.Features.Set(connection);
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            context.ConnectionClosed.Register(() => closed.TrySetResult());
            await _waiting.Writer.WriteAsync(context);
            await Task.WhenAny(closed.Task, transport.Finished);
        }
    }

    /// <summary>Both halves of a stream as pipes; tells when Kestrel has finished writing.</summary>
    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        private readonly NotifyingWriter _output = new(output);

        public PipeReader Input => input;
        public PipeWriter Output => _output;
        public Task Finished => _output.Finished;

        private sealed class NotifyingWriter(PipeWriter inner) : PipeWriter
        {
            private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public Task Finished => _finished.Task;
            public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;
            public override long UnflushedBytes => inner.UnflushedBytes;
            public override void Advance(int bytes) => inner.Advance(bytes);
            public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);
            public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);
            public override void CancelPendingFlush() => inner.CancelPendingFlush();
            public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

            public override void Complete(Exception? exception = null)
            {
                _finished.TrySetResult();
            }
        }
    }
}
