using System.Net;
using System.Net.Http.Headers;
using Amesh.Grpc.Client;
using Amesh.Grpc.Wire;

namespace Amesh.Grpc;

/// <summary>
/// One call: messages go out by <see cref="WriteAsync"/>, come in by <see cref="ReadAsync"/>, each at its own pace. One reader and any
/// number of writers at a time. Dispose it to let go of the stream; that cancels a call that has not ended.
/// </summary>
public sealed class GrpcCall : IAsyncDisposable
{
    // The end of a call can be found by the reader, a writer, the sender of the request and a cancellation, each on its own thread:
    // whoever comes first sets _end, the others tell what it says.
    private readonly GrpcChannel _channel;
    private readonly string _method;
    private readonly DuplexContent _content;
    private readonly bool _gzip;
    private readonly CancellationToken _callerToken;
    private readonly CancellationTokenSource _deadline = new();
    private readonly CancellationTokenSource _cancel;
    private readonly CancellationTokenRegistration _onCancel;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly TaskCompletionSource<GrpcMetadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<HttpResponseMessage?> _response;
    private MessageReader? _reader;
    private Task<ReadOnlyMemory<byte>?>? _pendingRead;
    private CallEnd? _end;
    private bool _writesCompleted;
    private int _disposed;

    internal GrpcCall(
        GrpcChannel channel,
        HttpMessageInvoker http,
        HttpRequestMessage request,
        DuplexContent content,
        bool gzip,
        TimeSpan? timeout,
        CancellationToken callerToken,
        CancellationToken channelToken)
    {
        _channel = channel;
        _method = request.RequestUri!.AbsolutePath;
        _content = content;
        _gzip = gzip;
        _callerToken = callerToken;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(callerToken, channelToken, _deadline.Token);
        if (timeout <= TimeSpan.Zero)
        {
            _deadline.Cancel();
        }
        else if (timeout is { } span)
        {
            // Timers end at some 49 days; who waits longer will be glad of a new stream by then.
            _deadline.CancelAfter(span.TotalMilliseconds > int.MaxValue ? TimeSpan.FromMilliseconds(int.MaxValue) : span);
        }
        _response = SendAsync(http, request);
        // After the response has begun, the handler no longer looks at the token: the stream has to be reset from here.
        _onCancel = _cancel.Token.UnsafeRegister(static call => ((GrpcCall)call!).ResetStream(), this);
    }

    /// <summary>The server's initial metadata, as soon as it is there; faults with <see cref="GrpcException"/> if the call fails first. Empty when the server sent only a status.</summary>
    public Task<GrpcMetadata> ResponseHeaders => _headers.Task;

    /// <summary>The metadata that ended the call; null until it has ended, and when the server never sent any.</summary>
    public GrpcMetadata? Trailers => Volatile.Read(ref _end)?.Trailers;

    /// <summary>Sends one message at once, also before the server has answered anything. Completes when the connection has taken it.</summary>
    /// <param name="message">The message's bytes; must not change until this completes.</param>
    /// <param name="ct">Gives up; a message that is half sent cannot be taken back, so this ends the call.</param>
    /// <exception cref="GrpcException">The call has ended. When its status is not yet known, <see cref="ReadAsync"/> tells it.</exception>
    /// <exception cref="InvalidOperationException"><see cref="CompleteAsync"/> was called.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct = default)
    {
        await _writing.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_writesCompleted)
            {
                throw new InvalidOperationException($"the call {_method} takes no more messages: CompleteAsync was called");
            }
            ThrowIfEndedWhileWriting();
            Stream? stream = null;
            try
            {
                stream = await _content.Stream.WaitAsync(ct).ConfigureAwait(false);
                using CancellationTokenSource? both = ct.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(ct, _cancel.Token) : null;
                await MessageWriter.WriteAsync(stream, message, _gzip, both?.Token ?? _cancel.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stream is null && ct.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e)
            {
                throw await WriteFailedAsync(e, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Tells the server that no more messages follow. Does nothing when the call has ended.</summary>
    public async ValueTask CompleteAsync()
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        _writesCompleted = true;
        _writing.Release();
        _content.Complete();
    }

    /// <summary>Takes the next message.</summary>
    /// <param name="ct">Gives up waiting, with <see cref="OperationCanceledException"/>; the call goes on and no message is lost.</param>
    /// <returns>The message, or null when the server ended the call with OK.</returns>
    /// <exception cref="GrpcException">The call ended with any other status.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct = default)
    {
        // A read that was given up goes on and is what the next one takes.
        Task<ReadOnlyMemory<byte>?> read = _pendingRead ??= ReadMessageAsync();
        try
        {
            return await read.WaitAsync(ct).ConfigureAwait(false);
        }
        finally
        {
            if (read.IsCompleted)
            {
                _pendingRead = null;
            }
        }
    }

    /// <summary>Lets go of the call.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        End(new CallEnd(GrpcStatusCode.Cancelled, $"the call {_method} was disposed"));
        await _cancel.CancelAsync().ConfigureAwait(false);
        await _response.ConfigureAwait(false);
        ResetStream();
        await _onCancel.DisposeAsync().ConfigureAwait(false);
        _ = _pendingRead?.ContinueWith(static read => read.Exception, TaskScheduler.Default);
        _cancel.Dispose();
        _deadline.Dispose();
    }

    /// <summary>Never throws; null when the call has ended without a response.</summary>
    private async Task<HttpResponseMessage?> SendAsync(HttpMessageInvoker http, HttpRequestMessage request)
    {
        HttpResponseMessage? response = null;
        try
        {
            _cancel.Token.ThrowIfCancellationRequested();
            response = await http.SendAsync(request, _cancel.Token).ConfigureAwait(false);
            CheckHeaders(response);
            return response;
        }
        catch (Exception e)
        {
            End(Why(e));
            return response;
        }
    }

    private void CheckHeaders(HttpResponseMessage response)
    {
        Target target = _channel.Target;
        if (Failure.FromHeaders(response.Headers, target, response.Content.Headers) is { } end)
        {
            // Only a status: these headers are the trailers too.
            _headers.TrySetResult([]);
            End(end);
            return;
        }
        string? contentType = response.Content.Headers.NonValidated.TryGetValues("content-type", out HeaderStringValues values) ? values.ToString() : null;
        if (response.StatusCode != HttpStatusCode.OK)
        {
            End(new CallEnd(
                Failure.FromHttp(response.StatusCode),
                $"{target.Text} answered {_method} with HTTP status {(int)response.StatusCode} and no grpc-status: is it a gRPC server, or a proxy in front of one?"));
            return;
        }
        if (!WireFormat.IsGrpc(contentType))
        {
            End(new CallEnd(
                GrpcStatusCode.Unknown,
                $"{target.Text} answered {_method} with content-type '{contentType}' instead of {WireFormat.ContentType}: is it a gRPC server?"));
            return;
        }
        _headers.TrySetResult(Failure.Metadata(response.Headers, response.Content.Headers));
    }

    private async Task<ReadOnlyMemory<byte>?> ReadMessageAsync()
    {
        HttpResponseMessage? response = await _response.ConfigureAwait(false);
        if (_end is null)
        {
            try
            {
                if (_reader is null)
                {
                    string? encoding = response!.Headers.NonValidated.TryGetValues(WireFormat.Encoding, out HeaderStringValues values) ? values.ToString() : null;
                    Stream body = await response.Content.ReadAsStreamAsync(_cancel.Token).ConfigureAwait(false);
                    _reader = new MessageReader(body, encoding, _channel.Options.MaxReceiveMessageSize, _channel.Target.Text);
                }
                if (await _reader.ReadAsync(_cancel.Token).ConfigureAwait(false) is { } message)
                {
                    return message;
                }
                End(Failure.FromHeaders(response!.TrailingHeaders, _channel.Target) ?? new CallEnd(
                    GrpcStatusCode.Unknown,
                    $"{_channel.Target.Text} ended {_method} without trailers, so whether it succeeded is not known",
                    Failure.Metadata(response.TrailingHeaders)));
            }
            catch (CutMessageException e)
            {
                CallEnd? told = Failure.FromHeaders(response!.TrailingHeaders, _channel.Target);
                End(told is { Code: not GrpcStatusCode.OK } ? told : new CallEnd(GrpcStatusCode.Internal, e.Message, told?.Trailers, e));
            }
            catch (Exception e)
            {
                End(Why(e));
            }
        }
        CallEnd end = _end!;
        return end.Code == GrpcStatusCode.OK ? null : throw end.ToException();
    }

    private async Task<Exception> WriteFailedAsync(Exception e, CancellationToken ct)
    {
        if (ct.IsCancellationRequested && !_cancel.IsCancellationRequested)
        {
            End(new CallEnd(GrpcStatusCode.Cancelled, $"a message of {_method} was given up half sent", Cause: e));
            return new OperationCanceledException(ct);
        }
        if (!_cancel.IsCancellationRequested && Volatile.Read(ref _end) is null)
        {
            // A server that ends the call closes both directions; its status is in the response, which may just be arriving.
            await _response.ConfigureAwait(false);
        }
        if (Volatile.Read(ref _end) is null && (_cancel.IsCancellationRequested || e is not OperationCanceledException))
        {
            return Why(e).ToException();
        }
        return EndedWhileWriting(Volatile.Read(ref _end));
    }

    private void ThrowIfEndedWhileWriting()
    {
        if (Volatile.Read(ref _end) is { } end)
        {
            throw EndedWhileWriting(end);
        }
    }

    private GrpcException EndedWhileWriting(CallEnd? end) => end is { Code: not GrpcStatusCode.OK }
        ? end.ToException()
        : new GrpcException(GrpcStatusCode.Unavailable, $"{_channel.Target.Text} has ended {_method} and takes no more messages; reading tells its status", end?.Trailers);

    /// <summary>What an exception means: the caller's own doing first, then what the connection said.</summary>
    private CallEnd Why(Exception e)
    {
        if (_deadline.IsCancellationRequested && !_callerToken.IsCancellationRequested)
        {
            return new CallEnd(GrpcStatusCode.DeadlineExceeded, $"{_method} at {_channel.Target.Text} did not end before its deadline", Cause: e);
        }
        if (_callerToken.IsCancellationRequested)
        {
            return new CallEnd(GrpcStatusCode.Cancelled, $"{_method} was cancelled by its caller", Cause: e);
        }
        return _cancel.IsCancellationRequested
            ? new CallEnd(GrpcStatusCode.Cancelled, $"the channel to {_channel.Target.Text} was closed", Cause: e)
            : Failure.FromException(e, _channel.Target, _channel.Options);
    }

    private void End(CallEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is not null)
        {
            return;
        }
        if (end.Code == GrpcStatusCode.OK)
        {
            _headers.TrySetResult([]);
        }
        else if (_headers.TrySetException(end.ToException()))
        {
            // Nobody need be waiting for them.
            _ = _headers.Task.Exception;
        }
        _content.Fail(EndedWhileWriting(end));
        if (end.Trailers is not null)
        {
            // The server has closed its side in good order; so is ours.
            _content.Complete();
        }
        else
        {
            ResetStream();
        }
    }

    private void ResetStream()
    {
        _content.Abort();
        if (_response is { IsCompletedSuccessfully: true, Result: { } response })
        {
            response.Dispose();
        }
    }
}
