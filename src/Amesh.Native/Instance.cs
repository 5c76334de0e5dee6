using System.Text.Json;
using Amesh.Apisix;
using Amesh.Dns;
using Amesh.Grpc;
using Amesh.Health;
using Amesh.Native.Zone;
using Amesh.Translation;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Secrets;
using Amesh.Xds.Sources;
using Amesh.Xds.Store;
using Envoy.Config.Core.V3;
using Microsoft.Extensions.Logging;

namespace Amesh.Native;

/// <summary>
/// The running library: one source, one pipeline, one sink. Its source runs on the runtime's threads, none of which is
/// nginx's; nothing here throws into nginx.
/// </summary>
internal sealed partial class Instance : IDisposable
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan EjectionInterval = TimeSpan.FromMilliseconds(50);

    // Names in the status, which is written every second that it changes.
    private const int MostNames = 20;

    private static readonly (Severity Severity, string Name)[] SeverityNames =
        [(Severity.Near, "near"), (Severity.NotYet, "not_yet"), (Severity.Refused, "refused")];

    private readonly CancellationTokenSource _stop = new();
    private readonly SourceAddress _address;
    private readonly string _sourceText;
    private readonly AdsProtocol _protocol;
    private readonly ZoneSink _sink;
    private readonly NameWatcher _names;
    private readonly HealthWatcher _health;
    private readonly Pipeline _pipeline;
    private readonly IResourceSource _source;
    private readonly SecretAgent? _agent;
    private readonly SecretFiles _files;
    private readonly ILogger _log;
    private readonly LastGoodState? _state;
    private readonly Task _running;
    private string? _sourceError;
    private DateTimeOffset? _restored;

    /// <summary>Checks the options, takes over the zones and starts.</summary>
    /// <exception cref="StartException">Something is missing or wrong; nothing has been started.</exception>
    public Instance(StartOptions options, IZone config, IZone version, ILogger? log = null)
    {
        var settings = new Settings(options);
        LogLevel level = settings.LogLevel;
        _log = log ?? new NginxLog(level);
        _protocol = settings.Protocol;
        _sourceText = settings.Source;
        try
        {
            _address = SourceAddress.Parse(_sourceText);
            Node node = settings.Node();
            GrpcTlsOptions tls = settings.Tls();
            _source = _address.Open(
                uri => new AdsClientOptions
                {
                    Address = uri,
                    Node = node,
                    Protocol = _protocol,
                    Tls = uri.Scheme == "https" ? tls : null,
                    Headers = [.. options.Headers ?? []],
                },
                _protocol,
                _log);
            _agent = SecretServer.Open(settings.Sds, settings.Bootstrap, node, _log);
            _sink = new ZoneSink(config, version);
        }
        catch (Exception e) when (e is SourceException or ConfigSinkException or ArgumentException)
        {
            throw new StartException(e.Message);
        }

        _state = settings.StateFile is { } file ? new LastGoodState(file) : null;
        _names = new NameWatcher(_log);
        _health = new HealthWatcher(_log);
        _files = new SecretFiles(null, _log);
        _pipeline = new Pipeline(_sink, message => LogTrouble(_log, message), _names, _health, new ZoneEjections(version));
        _pipeline.WantedChanged = _files.Wake;
        _pipeline.Store.Attend(SecretOrigin.Files);
        if (_agent is not null)
        {
            _pipeline.WantedChanged += _agent.Wake;
            if (_agent.IsThere)
            {
                _pipeline.Store.Attend(SecretOrigin.Agent);
            }
        }

        LogStarted(_log, Version, _sourceText, _sink.Epoch);
        _running = Task.Run(() =>
        {
            Restore();
            // what a process before this one has committed is saved by it; nothing here is worth saving before a commit of our own
            long there = _sink.Commits;
            return Task.WhenAll(RunSourceAsync(), RunSecretsAsync(_agent), RunSecretsAsync(_files), RunStatusAsync(), RunEjectionsAsync(), RunSavingAsync(there));
        });
    }

    /// <summary>The library's version; the assembly's where there is no library.</summary>
    public static string Version { get; set; } = typeof(Instance).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>The status now.</summary>
    public InstanceStatus Status()
    {
        AdsStatus? ads = (_source as AdsClient)?.Status;
        return _pipeline.Read(pipeline => new InstanceStatus
        {
            LibraryVersion = Version,
            State = StateOf(ads),
            Source = _sourceText,
            Protocol = (ads?.Protocol ?? _protocol) == AdsProtocol.Sotw ? "sotw" : "delta",
            Pid = Environment.ProcessId,
            Epoch = _sink.Epoch,
            Commit = _sink.Commits,
            Receiving = pipeline.Receiving,
            ServingStateOf = _sink.HasTaken ? null : _restored,
            CommitError = pipeline.CommitError,
            Warming = [.. pipeline.Store.Warming.OrderBy(one => one.Resource, StringComparer.Ordinal).Take(MostNames)],
            Incomplete = [.. pipeline.Store.Incomplete.OrderBy(one => one.Resource, StringComparer.Ordinal).Take(MostNames)],
            MissingSecrets = [.. pipeline.Store.MissingSecrets.Order(StringComparer.Ordinal).Take(MostNames)],
            LastError = _sourceError ?? ads?.LastError,
            Reconnects = ads?.Reconnects ?? 0,
            Updates = ads?.Updates ?? 0,
            Nacks = ads?.Nacks ?? 0,
            Objects = Enum.GetValues<ObjectKind>().ToDictionary(kind => ObjectKey.Prefix(kind)[1..], pipeline.Translator.Count),
            CheckedEndpoints = pipeline.Translator.CheckedEndpoints.Checked,
            UnhealthyEndpoints = pipeline.Translator.CheckedEndpoints.Unhealthy,
            Diagnostics = SeverityNames.Where(s => pipeline.Translator.Count(s.Severity) > 0).ToDictionary(s => s.Name, s => pipeline.Translator.Count(s.Severity)),
        });
    }

    /// <summary>Ends the source and waits for it; false when it did not end in time (it will).</summary>
    public bool Stop(TimeSpan timeout)
    {
        _stop.Cancel();
        _health.Dispose();
        _names.Dispose();
        return _running.Wait(timeout);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _health.Dispose();
        _names.Dispose();
        _pipeline.Dispose();
        _agent?.Dispose();
        _files.Dispose();
        _stop.Dispose();
    }

    private async Task RunSourceAsync()
    {
        try
        {
            await _source.RunAsync(_pipeline, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }
        catch (Exception e)
        {
            // What is in the zone stays and is served on; there is nobody else to tell.
            _sourceError = e.Message;
            LogSourceEnded(_log, _sourceText, e is SourceException ? e.Message : e.ToString());
        }
    }

    private async Task RunSecretsAsync(IResourceSource? source)
    {
        try
        {
            await (source?.RunAsync(_pipeline.Aside, _stop.Token) ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }
        catch (Exception e)
        {
            LogSecretsEnded(_log, e is SourceException ? e.Message : e.ToString());
        }
    }

    private async Task RunStatusAsync()
    {
        byte[] last = [];
        var memory = new IdleMemory();
        try
        {
            using var timer = new PeriodicTimer(StatusInterval);
            do
            {
                last = Tick(last, memory);
            }
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }
    }

    // Whatever goes wrong in one round, the next one is made.
    private byte[] Tick(byte[] last, IdleMemory memory)
    {
        try
        {
            byte[] status = JsonSerializer.SerializeToUtf8Bytes(Status(), NativeJsonContext.Default.InstanceStatus);
            if (!status.AsSpan().SequenceEqual(last))
            {
                _pipeline.Read<object?>(_ =>
                {
                    _sink.WriteStatus(status);
                    return null;
                });
            }

            _pipeline.Reread();
            memory.Tick();
            return status;
        }
        catch (Exception e)
        {
            LogTrouble(_log, $"the status is not written, or files are not looked at: {e}");
            return last;
        }
    }

    // Workers cannot call the library; a look is the reading of one number.
    private async Task RunEjectionsAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                bool isNeeded = !_sink.IsSuperseded && _pipeline.LookAtEjections();
                await Task.Delay(isNeeded ? EjectionInterval : StatusInterval, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Asked to stop.
            }
            catch (Exception e)
            {
                // Whatever goes wrong in one round, the next one is made.
                LogTrouble(_log, $"ejected endpoints are not looked at: {e}");
                await Task.Delay(StatusInterval, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Restore()
    {
        try
        {
            if (_state?.Load() is { } state && _sink.TryRestore(state.Objects))
            {
                _restored = state.Saved;
                LogRestored(_log, state.Objects.Count, state.Saved);
            }
        }
        catch (Exception e)
        {
            // Whatever is wrong with it: the control plane is to be asked all the same.
            LogNotRestored(_log, e.Message);
        }
    }

    private async Task RunSavingAsync(long there)
    {
        if (_state is null)
        {
            return;
        }

        try
        {
            var keeper = new StateKeeper(_state, saved => _pipeline.Read(pipeline =>
                _sink.Commits == saved || _sink.IsSuperseded ? ((long, ConfigObject[])?)null : (_sink.Commits, [.. pipeline.Translator.Objects])), _log);
            await keeper.RunAsync(there, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }
    }

    private string StateOf(AdsStatus? ads)
    {
        if (_stop.IsCancellationRequested)
        {
            return "stopped";
        }

        if (_sink.IsSuperseded)
        {
            return "superseded";
        }

        return ads is null ? (_sourceError is null ? "connected" : "disconnected")
            : ads.Connected ? "connected"
            : ads.Streams == 0 ? "connecting" : "disconnected";
    }

    [LoggerMessage(1, LogLevel.Information, "libxds {Version} takes configuration from {Source} (epoch {Epoch})")]
    private static partial void LogStarted(ILogger log, string version, string source, long epoch);

    [LoggerMessage(2, LogLevel.Error, "{Message}")]
    private static partial void LogTrouble(ILogger log, string message);

    [LoggerMessage(4, LogLevel.Warning, "no control plane has answered yet: {Count} objects of the state that was saved at {Saved:O} are served until one does")]
    private static partial void LogRestored(ILogger log, int count, DateTimeOffset saved);

    [LoggerMessage(5, LogLevel.Warning, "the saved state is not used: {Reason}")]
    private static partial void LogNotRestored(ILogger log, string reason);

    [LoggerMessage(7, LogLevel.Error, "secrets are not asked for any more, and those that are there stay: {Reason}")]
    private static partial void LogSecretsEnded(ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Error, "the source {Source} has ended and the last good state stays: {Reason}")]
    private static partial void LogSourceEnded(ILogger log, string source, string reason);
}
