using System.Threading.Channels;
using Amesh.Grpc;
using Amesh.Grpc.Server;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Envoy.Config.Core.V3;
using Google.Protobuf;

namespace Amesh.Cli.Replay;

/// <summary>
/// One client's stream. One loop takes its requests and the changes of the step from one queue, so that nothing here is shared.
/// What differs between SotW and Delta is in the two that derive from it.
/// </summary>
internal abstract class ReplayStream(GrpcServerCall call, ReplayServer server)
{
    private readonly Channel<ReadOnlyMemory<byte>?> _queue = Channel.CreateUnbounded<ReadOnlyMemory<byte>?>();
    private readonly Dictionary<string, Watch> _watches = [];
    private int _nonces;

    public abstract AdsProtocol Protocol { get; }

    public string Peer => call.Peer;

    /// <summary>The id of the client's node; empty until its first request.</summary>
    public string NodeId { get; private set; } = "";

    /// <summary>A picture of the watches for people; taken by other threads, so it may lag behind.</summary>
    public volatile IReadOnlyList<Watch> Watches = [];

    /// <summary>The step of which everything has been sent that the client wants, as far as it has asked; read by other threads.</summary>
    public volatile string Pushed = "";

    protected ServedStep Step { get; private set; } = server.Current;

    /// <summary>Wakes the loop: the step has changed.</summary>
    public void StepChanged() => _queue.Writer.TryWrite(null);

    public async Task RunAsync()
    {
        Task pump = PumpAsync();
        await foreach (ReadOnlyMemory<byte>? request in _queue.Reader.ReadAllAsync(call.CancellationToken))
        {
            if (request is { } bytes)
            {
                await TakeAsync(bytes);
                continue;
            }

            Step = server.Current;
            foreach (Watch watch in _watches.Values.OrderBy(watch => TypeUrls.OrderOf(watch.TypeUrl)))
            {
                await PushAsync(watch);
            }

            Pushed = Step.Name;
        }

        await pump;
    }

    /// <summary>Takes a request in and answers it as far as it wants an answer.</summary>
    protected abstract Task TakeAsync(ReadOnlyMemory<byte> request);

    /// <summary>Sends what has changed since the client was last sent something of the type, if anything.</summary>
    protected abstract Task PushAsync(Watch watch);

    /// <summary>Tells of the client that the first request of a stream names.</summary>
    protected void Greet(Node? node, string protocol)
    {
        if (node is not null && NodeId.Length == 0)
        {
            NodeId = node.Id;
            Tell(ReplayEventKind.Connected, "", $"{protocol}, {node.Id}");
        }
    }

    /// <returns>The watch of a type, and whether the stream asks for the type for the first time.</returns>
    protected (Watch Watch, bool First) WatchOf(string typeUrl)
    {
        if (_watches.TryGetValue(typeUrl, out Watch? watch))
        {
            return (watch, false);
        }

        if (typeUrl.Length == 0)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, "a request without a type URL");
        }

        _watches[typeUrl] = watch = new Watch(typeUrl);
        Watches = [.. _watches.Values];
        return (watch, true);
    }

    /// <summary>Takes an ACK or NACK in. One for a response that is not the last is stale.</summary>
    /// <returns>False if it is stale.</returns>
    protected bool Answered(Watch watch, string nonce, Google.Rpc.Status? error)
    {
        if (nonce != watch.Nonce)
        {
            watch.Stale++;
            Tell(ReplayEventKind.Stale, watch.TypeUrl, nonce);
            return false;
        }

        // SotW repeats the nonce when only the names change.
        bool repeated = watch.Answered && error is null;
        watch.Answered = true;
        if (error is not null)
        {
            watch.Nacks++;
            watch.LastNack = error.Message;
            Tell(ReplayEventKind.Nack, watch.TypeUrl, error.Message);
        }
        else if (!repeated)
        {
            watch.Acks++;
            watch.Accepted = watch.Version;
            Tell(ReplayEventKind.Ack, watch.TypeUrl, watch.Version);
        }

        return true;
    }

    protected string NextNonce(Watch watch)
    {
        watch.Nonce = $"{watch.TypeUrl[(watch.TypeUrl.LastIndexOf('.') + 1)..]}-{++_nonces}";
        watch.Version = Step.Version;
        watch.Answered = false;
        return watch.Nonce;
    }

    protected async Task SendAsync(IMessage response, Watch watch, string detail)
    {
        Tell(ReplayEventKind.Sent, watch.TypeUrl, detail);
        await call.WriteAsync(response.ToByteArray());
    }

    protected void Tell(ReplayEventKind kind, string typeUrl, string detail) => server.Tell(new ReplayEvent(kind, Peer, Step.Name, typeUrl, detail));

    protected static T Parse<T>(MessageParser<T> parser, ReadOnlyMemory<byte> bytes) where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, $"not a request: {e.Message}");
        }
    }

    private async Task PumpAsync()
    {
        try
        {
            while (await call.ReadAsync() is { } request)
            {
                _queue.Writer.TryWrite(request);
            }

            _queue.Writer.Complete();
        }
        catch (Exception e)
        {
            _queue.Writer.Complete(e);
        }
    }
}
