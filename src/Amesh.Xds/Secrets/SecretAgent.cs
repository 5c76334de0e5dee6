using Amesh.Xds.Ads;
using Amesh.Xds.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Xds.Secrets;

/// <summary>
/// Asks a server of secrets beside the control plane, such as Istio's agent on its Unix socket, for the secrets that the
/// mesh names. A stream for each name, as Envoy has it: the agent serves no more than one on a stream.
/// </summary>
/// <remarks>
/// Each stream is an <see cref="AdsClient"/>: it comes back with growing pauses, and what it last brought stays meanwhile.
/// The loop in <see cref="RunAsync"/> owns the streams; <see cref="Wake"/> may be called by any thread.
/// </remarks>
public sealed partial class SecretAgent : IResourceSource, IDisposable
{
    /// <summary>Where Istio's agent listens.</summary>
    public const string DefaultSocket = "/var/run/secrets/workload-spiffe-uds/socket";

    private readonly AdsClientOptions _options;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _wake = new(1);
    private volatile IReadOnlyList<AdsClient> _clients = [];

    /// <summary>Makes an agent's client; connects nothing until <see cref="RunAsync"/>.</summary>
    /// <param name="options">The server, who we are, and how patient; the service and the protocol are the agent's own.</param>
    /// <param name="log">Where it logs.</param>
    public SecretAgent(AdsClientOptions options, ILogger? log = null)
    {
        // Istio's agent speaks nothing else, and everything that speaks Delta speaks this.
        _options = options with { Service = DiscoveryService.Secrets, Protocol = AdsProtocol.Sotw };
        _log = log ?? NullLogger.Instance;
    }

    /// <summary>What the streams are doing now. Any thread may ask.</summary>
    public IReadOnlyList<AdsStatus> Status => [.. _clients.Select(client => client.Status)];

    /// <summary>Whether there is somebody to ask, as far as one can see without asking.</summary>
    public bool IsThere => _options.Address.Scheme != "unix" || File.Exists(_options.Address.LocalPath);

    /// <summary>Other names may be wanted.</summary>
    public void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    /// <inheritdoc/>
    public async Task RunAsync(IResourceHandler handler, CancellationToken ct)
    {
        var streams = new Dictionary<string, (AdsClient Client, Task Task, CancellationTokenSource Stop)>();
        try
        {
            while (true)
            {
                await _wake.WaitAsync(ct).ConfigureAwait(false);
                IReadOnlyCollection<string> wanted = handler.Wanted(SecretOrigin.Agent);
                if (wanted.Count > 0 && streams.Count == 0)
                {
                    await ComeAsync(wanted, ct).ConfigureAwait(false);
                }

                foreach (string name in streams.Keys.Where(name => !wanted.Contains(name)).ToList())
                {
                    streams.Remove(name, out var gone);
                    await EndAsync(gone.Task, gone.Stop).ConfigureAwait(false);
                }

                foreach (string name in wanted.Where(name => !streams.ContainsKey(name)).Order(StringComparer.Ordinal))
                {
                    LogAsked(_log, name, _options.Address);
                    var client = new AdsClient(_options, _log);
                    var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
                    streams.Add(name, (client, client.RunAsync(new OneSecret(handler, name), stop.Token), stop));
                }

                _clients = [.. streams.Values.Select(stream => stream.Client)];
            }
        }
        finally
        {
            foreach ((_, Task task, CancellationTokenSource stop) in streams.Values)
            {
                await EndAsync(task, stop).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    // Most meshes without an agent name secrets of one all the same: that is told once, not at every attempt to connect.
    private async Task ComeAsync(IReadOnlyCollection<string> wanted, CancellationToken ct)
    {
        if (!IsThere)
        {
            LogNobody(_log, _options.Address, string.Join(", ", wanted.Order(StringComparer.Ordinal).Take(5)));
        }

        while (!IsThere)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), ct).ConfigureAwait(false);
        }
    }

    private async Task EndAsync(Task task, CancellationTokenSource stop)
    {
        await stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Asked to.
        }
        catch (SourceException e)
        {
            LogEnded(_log, e.Message);
        }

        stop.Dispose();
    }

    [LoggerMessage(30, LogLevel.Information, "the secret {Name} is asked for at {Address}")]
    private static partial void LogAsked(ILogger log, string name, Uri address);

    [LoggerMessage(32, LogLevel.Warning, "there is no server of secrets at {Address} yet; handshakes that need them fail until it is there: {Names}")]
    private static partial void LogNobody(ILogger log, Uri address, string names);

    [LoggerMessage(31, LogLevel.Error, "secrets are not asked for any more: {Reason}")]
    private static partial void LogEnded(ILogger log, string reason);

    /// <summary>One name of the agent's, to a client that knows secrets by their type alone.</summary>
    private sealed class OneSecret(IResourceHandler handler, string name) : IResourceHandler
    {
        public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update) => handler.Apply(update with { TypeUrl = SecretOrigin.Agent });

        public IReadOnlyCollection<string> Wanted(string typeUrl) => typeUrl == TypeUrls.Secret ? [name] : [];

        public void Quiet() => handler.Quiet();

        public IReadOnlyDictionary<string, string> Versions(string typeUrl) =>
            handler.Versions(SecretOrigin.Agent).Where(version => version.Key == name).ToDictionary();
    }
}
