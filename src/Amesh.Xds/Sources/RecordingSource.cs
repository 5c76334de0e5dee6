using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Xds.Sources;

/// <summary>What a <see cref="RecordingSource"/> plays, and how fast.</summary>
public sealed record RecordingSourceOptions
{
    /// <summary>Which stream to play where both were recorded.</summary>
    public AdsProtocol Protocol { get; init; } = AdsProtocol.Delta;

    /// <summary>The last step to play; null = all.</summary>
    public string? LastStep { get; init; }

    /// <summary>The pause between steps.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>Told after each step, when its batch has ended; null = nobody is.</summary>
    public Action<string>? AfterStep { get; init; }
}

/// <summary>Plays a recorded stream: every response in the order and shape in which it came, a batch for each step. Ends after the last.</summary>
public sealed partial class RecordingSource(string directory, RecordingSourceOptions? options = null, ILogger? log = null) : IResourceSource
{
    private readonly RecordingSourceOptions _options = options ?? new();
    private readonly ILogger _log = log ?? NullLogger.Instance;

    /// <inheritdoc/>
    public async Task RunAsync(IResourceHandler handler, CancellationToken ct)
    {
        Recording recording = Recording.Open(directory);
        int last = _options.LastStep is { } name ? recording.IndexOf(name) : recording.Steps.Count - 1;
        RecordedTraffic traffic = recording.Stream(_options.Protocol);
        ILookup<string, RecordedEvent> byStep = traffic.Events.Where(recorded => recorded.IsResponse).ToLookup(recorded => recorded.Step);
        Dialect dialect = Dialect.Of(traffic.Protocol);
        for (int i = 0; i <= last; i++)
        {
            if (i > 0 && _options.Pause > TimeSpan.Zero)
            {
                await Task.Delay(_options.Pause, ct).ConfigureAwait(false);
            }

            string step = recording.Steps[i];
            foreach (RecordedEvent recorded in byStep[step])
            {
                ct.ThrowIfCancellationRequested();
                Apply(dialect, recorded, handler);
            }

            handler.Quiet();
            _options.AfterStep?.Invoke(step);
        }
    }

    private void Apply(Dialect dialect, RecordedEvent recorded, IResourceHandler handler)
    {
        try
        {
            Response response = dialect.Read(recorded.Message);
            var update = new DiscoveryUpdate(response.TypeUrl, response.Version, response.Resources, response.Removed, response.Complete);
            foreach (RejectedResource rejected in response.Unreadable.Concat(handler.Apply(update)))
            {
                LogRefused(_log, recorded.Step, response.TypeUrl, rejected.Name, rejected.Reason);
            }
        }
        catch (MalformedResponseException e)
        {
            throw new SourceException($"{directory}: step {recorded.Step}, {recorded.AtMilliseconds} ms: not a discovery response: {e.Message}", e);
        }
    }

    [LoggerMessage(23, LogLevel.Warning, "refused in step {Step}: {TypeUrl} {Name}: {Reason}")]
    private static partial void LogRefused(ILogger log, string step, string typeUrl, string name, string reason);
}
