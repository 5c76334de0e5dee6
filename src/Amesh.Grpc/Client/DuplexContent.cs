using System.Net;
using System.Net.Http.Headers;
using Amesh.Grpc.Wire;

namespace Amesh.Grpc.Client;

/// <summary>A request body that stays open: it hands the connection's stream to the call and ends when the call says so.</summary>
internal sealed class DuplexContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DuplexContent() => Headers.ContentType = new MediaTypeHeaderValue(WireFormat.ContentType);

    /// <summary>Where to write; there as soon as the request is on a connection, faulted when it never will be.</summary>
    public Task<Stream> Stream => _stream.Task;

    /// <summary>Ends the body.</summary>
    public void Complete() => _end.TrySetResult();

    /// <summary>Resets the stream if the body has not ended.</summary>
    public void Abort() => _end.TrySetException(new IOException("the call was given up"));

    /// <summary>Tells writers that there will be no stream.</summary>
    public void Fail(Exception exception)
    {
        _stream.TrySetException(exception);
        // Nobody need be writing.
        _ = _stream.Task.Exception;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The token says that the stream is gone. Throwing then would make the handler report a cancellation instead of why it is gone,
        // which the response tells; so this waits for the call to have seen that.
        try
        {
            // Request headers would otherwise wait for the first message, which may well wait for the server.
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            // The response may have begun, and then nobody else tells writers.
            Fail(e);
            throw;
        }
        if (!_stream.TrySetResult(stream))
        {
            // The handler repeats a request that a connection refused; messages may be on their way to the old one already.
            throw new IOException("the connection was closed by the server while the call was starting");
        }
        await _end.Task.ConfigureAwait(false);
        // Nothing more, not even its end, may be sent on a stream that was reset.
        cancellationToken.ThrowIfCancellationRequested();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }
}
