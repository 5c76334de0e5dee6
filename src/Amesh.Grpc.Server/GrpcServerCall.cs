using System.Security.Cryptography.X509Certificates;
using Amesh.Grpc.Wire;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Amesh.Grpc.Server;

/// <summary>
/// A call as its handler sees it. The call ends with OK when the handler returns, and with the status of the <see cref="GrpcException"/>
/// that it throws. One reader and any number of writers at a time.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never taken holds nothing.")]
public sealed class GrpcServerCall
{
    private static readonly TimeSpan TimerSlack = TimeSpan.FromMilliseconds(50);

    private readonly HttpContext _http;
    private readonly MessageReader _reader;
    private readonly SemaphoreSlim _writing = new(1, 1);

    internal GrpcServerCall(HttpContext http, int limit, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        _http = http;
        Method = http.Request.Path.Value!;
        Peer = http.Connection.RemoteIpAddress is { } ip ? new System.Net.IPEndPoint(ip, http.Connection.RemotePort).ToString() : "unix";
        Deadline = deadline;
        CancellationToken = cancellationToken;
        RequestHeaders = new GrpcMetadata();
        string? encoding = null;
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in http.Request.Headers)
        {
            string lower = name.ToLowerInvariant();
            if (lower == WireFormat.Encoding)
            {
                encoding = values.ToString();
            }
            if (lower[0] == ':' || lower == "host" || WireFormat.IsProtocolHeader(lower))
            {
                continue;
            }
            foreach (string? value in values)
            {
                RequestHeaders.AddReceived(lower, value ?? "");
            }
        }
        if (encoding is not (null or WireFormat.Identity or WireFormat.Gzip))
        {
            throw new GrpcException(GrpcStatusCode.Unimplemented, $"messages compressed with '{encoding}' cannot be read; gzip can");
        }
        _reader = new MessageReader(http.Request.Body, encoding, limit, "the client " + Peer);
        ClientTakesGzip = http.Request.Headers[WireFormat.AcceptEncoding].ToString().Split(',', StringSplitOptions.TrimEntries).Contains(WireFormat.Gzip);
    }

    /// <summary><c>/package.Service/Method</c>.</summary>
    public string Method { get; }

    /// <summary>The client's address and port, or <c>unix</c>.</summary>
    public string Peer { get; }

    /// <summary>The client's certificate under mutual TLS.</summary>
    public X509Certificate2? ClientCertificate => _http.Connection.ClientCertificate;

    /// <summary>What the client sent along.</summary>
    public GrpcMetadata RequestHeaders { get; }

    /// <summary>Metadata to send before the first message; fill it before the first <see cref="WriteAsync"/> or <see cref="SendHeadersAsync"/>.</summary>
    public GrpcMetadata ResponseHeaders { get; } = [];

    /// <summary>Metadata to send with the status.</summary>
    public GrpcMetadata Trailers { get; } = [];

    /// <summary>When the client gives up; null = never.</summary>
    public DateTimeOffset? Deadline { get; }

    /// <summary>Whether a cancelled call was cancelled by its deadline. A timer may fire a moment before the clock gets there.</summary>
    internal bool IsPastDeadline => Deadline - TimerSlack <= DateTimeOffset.UtcNow;

    /// <summary>Cancelled when the client is gone, the deadline has passed or the server is being disposed; a handler must then return.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Compress messages that are sent, if the client takes that. Set it before the first <see cref="WriteAsync"/>.</summary>
    public bool SendGzip { get; set; }

    private bool ClientTakesGzip { get; }

    /// <summary>Takes the next message; null when the client sends no more.</summary>
    /// <exception cref="GrpcException">The message is cut, too large or not gRPC, or the client is gone.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct = default)
    {
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct, CancellationToken);
        try
        {
            return await _reader.ReadAsync(both.Token).ConfigureAwait(false);
        }
        catch (CutMessageException e)
        {
            throw new GrpcException(GrpcStatusCode.Internal, e.Message, innerException: e);
        }
        catch (Exception e) when (IsGone(e, ct))
        {
            throw Gone(e);
        }
    }

    /// <summary>Sends one message at once.</summary>
    /// <exception cref="GrpcException">The client is gone or the deadline has passed.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct = default)
    {
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct, CancellationToken);
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            PrepareHeaders();
            await MessageWriter.WriteAsync(_http.Response.Body, message, SendGzip && ClientTakesGzip, both.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (IsGone(e, ct))
        {
            throw Gone(e);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends the <see cref="ResponseHeaders"/> now instead of with the first message.</summary>
    public async ValueTask SendHeadersAsync()
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            PrepareHeaders();
            await _http.Response.StartAsync(CancellationToken).ConfigureAwait(false);
            await _http.Response.Body.FlushAsync(CancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsGone(e, default))
        {
            throw Gone(e);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Breaks the call off with RST_STREAM and no status, as a server that crashes would; for tests of clients.</summary>
    /// <param name="errorCode">HTTP/2 error code; 2 = INTERNAL_ERROR.</param>
    public void Reset(int errorCode = 2)
    {
        if (_http.Features.Get<IHttpResetFeature>() is { } reset)
        {
            reset.Reset(errorCode);
        }
        else
        {
            _http.Abort();
        }
    }

    internal async Task EndAsync(GrpcStatusCode code, string detail, GrpcMetadata? more)
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_http.Response.HasStarted && ResponseHeaders.Count > 0)
            {
                PrepareHeaders();
                await _http.Response.StartAsync().ConfigureAwait(false);
            }
            StatusWriter.Write(_http.Response, code, detail, more is null ? Trailers : [.. Trailers, .. more]);
            await _http.Response.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (IsGone(e, default) || CancellationToken.IsCancellationRequested)
        {
            // Nobody is left to be told.
        }
        finally
        {
            _writing.Release();
        }
    }

    private void PrepareHeaders()
    {
        HttpResponse response = _http.Response;
        if (response.HasStarted)
        {
            return;
        }
        response.ContentType = WireFormat.ContentType;
        response.Headers[WireFormat.AcceptEncoding] = WireFormat.AcceptedEncodings;
        if (SendGzip && ClientTakesGzip)
        {
            response.Headers[WireFormat.Encoding] = WireFormat.Gzip;
        }
        foreach ((string name, string value) in ResponseHeaders)
        {
            response.Headers.Append(name, value);
        }
    }

    /// <summary>The stream is no longer there, whichever way the web server says it; not the caller's own token.</summary>
    private bool IsGone(Exception e, CancellationToken ct) =>
        e is IOException or ConnectionAbortedException or BadHttpRequestException
        || (e is OperationCanceledException or InvalidOperationException or ObjectDisposedException && CancellationToken.IsCancellationRequested && !ct.IsCancellationRequested);

    private GrpcException Gone(Exception e) => CancellationToken.IsCancellationRequested && IsPastDeadline
        ? new GrpcException(GrpcStatusCode.DeadlineExceeded, $"the deadline of {Method} has passed", innerException: e)
        : new GrpcException(GrpcStatusCode.Cancelled, $"the client {Peer} has left {Method}: {e.Message}", innerException: e);
}
