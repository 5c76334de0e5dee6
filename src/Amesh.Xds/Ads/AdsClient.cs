using Amesh.Grpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Xds.Ads;

/// <summary>
/// Keeps a stream of aggregated discovery to one control plane. Three layers, each one method: <see cref="RunAsync"/> connects
/// again and again with growing pauses, <see cref="AdsStream.RunAsync"/> lives as long as a stream, and there one message is
/// taken at a time: handed on, answered with ACK or NACK, and followed by the subscriptions that it caused.
/// </summary>
/// <remarks>
/// It does not know what resources mean, and holds none: <see cref="IResourceHandler"/> does, and says which names are wanted.
/// It never gives up, and a control plane that is away changes nothing in what is held.
/// All state belongs to the loop in <see cref="RunAsync"/>; other threads read <see cref="Status"/>.
/// </remarks>
public sealed partial class AdsClient : IResourceSource
{
    private readonly AdsClientOptions _options;
    private readonly Func<IAdsTransport> _connect;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _log;
    private readonly StatusBoard _status;

    /// <summary>Makes a client; connects nothing until <see cref="RunAsync"/>.</summary>
    public AdsClient(AdsClientOptions options, ILogger? log = null)
        : this(options, () => new GrpcAdsTransport(options), TimeProvider.System, Random.Shared, log)
    {
    }

    internal AdsClient(AdsClientOptions options, Func<IAdsTransport> connect, TimeProvider time, Random random, ILogger? log = null)
    {
        _options = options;
        _connect = connect;
        _time = time;
        _random = random;
        _log = log ?? NullLogger.Instance;
        _status = new StatusBoard(options.Protocol, time);
    }

    /// <summary>What the client is doing now. Any thread may ask.</summary>
    public AdsStatus Status => _status.Current;

    /// <inheritdoc/>
    public async Task RunAsync(IResourceHandler handler, CancellationToken ct)
    {
        IAdsTransport transport = Connect();
        await using (transport.ConfigureAwait(false))
        {
            // Where there are no clusters, nothing waits for them.
            var memory = new StreamMemory { ClustersSeen = _options.Service == DiscoveryService.Secrets };
            var backoff = new Backoff(_options.FirstBackoff, _options.MaxBackoff, _random);
            AdsProtocol protocol = _options.Protocol;
            while (true)
            {
                ct.ThrowIfCancellationRequested();
                _status.Started(protocol);
                (string error, GrpcStatusCode? code, int responses) = await StreamOnceAsync(transport, protocol, memory, handler, ct).ConfigureAwait(false);
                if (code == GrpcStatusCode.Unimplemented && protocol == AdsProtocol.Delta && responses == 0)
                {
                    LogFallback(_log, _options.Address);
                    protocol = AdsProtocol.Sotw;
                    memory.AcceptedVersions.Clear();
                    continue;
                }

                if (responses > 0)
                {
                    backoff.Reset();
                }

                TimeSpan pause = backoff.Next();
                LogStreamEnded(_log, _options.Address, error, pause.TotalSeconds);
                await Task.Delay(pause, _time, ct).ConfigureAwait(false);
            }
        }
    }

    private IAdsTransport Connect()
    {
        try
        {
            return _connect();
        }
        catch (ArgumentException e)
        {
            // Which parameter of ours it was is no business of whoever wrote the address.
            string reason = e.Message.Split(" (Parameter '")[0];
            throw new SourceException($"{_options.Address}: {reason}", e);
        }
    }

    private async Task<(string Error, GrpcStatusCode? Code, int Responses)> StreamOnceAsync(
        IAdsTransport transport, AdsProtocol protocol, StreamMemory memory, IResourceHandler handler, CancellationToken ct)
    {
        AdsStream? stream = null;
        string error;
        GrpcStatusCode? code = null;
        try
        {
            Dialect dialect = Dialect.Of(protocol, _options.Service);
            IAdsCall call = transport.Start(dialect.Method, ct);
            await using (call.ConfigureAwait(false))
            {
                stream = new AdsStream(call, dialect, handler, _options, memory, _status, _time, _log);
                await stream.RunAsync(ct).ConfigureAwait(false);
                error = "the control plane ended the stream";
            }
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
            _status.Ended(null);
            throw new OperationCanceledException(ct);
        }
        catch (GrpcException e)
        {
            code = e.StatusCode;
            error = $"{e.StatusCode}: {e.Detail}";
        }
        catch (SourceException e)
        {
            // Another stream would not mend it, such as a disk that is full.
            _status.Ended(e.Message);
            throw;
        }
        catch (MalformedResponseException e)
        {
            error = $"the control plane sent something that is no {(protocol == AdsProtocol.Delta ? "DeltaDiscoveryResponse" : "DiscoveryResponse")}: {e.Message}";
        }
        catch (Exception e)
        {
            // A defect of ours must not leave the mesh without updates for good.
            LogStreamFailed(_log, e);
            error = $"internal error: {e.Message}";
        }

        _status.Ended(error);
        return (error, code, stream?.Responses ?? 0);
    }

    [LoggerMessage(10, LogLevel.Warning, "{Address}: {Error}; next attempt in {Seconds:F1} s")]
    private static partial void LogStreamEnded(ILogger log, Uri address, string error, double seconds);

    [LoggerMessage(11, LogLevel.Information, "{Address} does not speak Delta; using SotW from now on")]
    private static partial void LogFallback(ILogger log, Uri address);

    [LoggerMessage(12, LogLevel.Error, "a stream failed")]
    private static partial void LogStreamFailed(ILogger log, Exception e);
}
