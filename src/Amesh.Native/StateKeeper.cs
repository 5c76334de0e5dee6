using Amesh.Translation;
using Microsoft.Extensions.Logging;

namespace Amesh.Native;

/// <summary>Keeps the last good state on disk, at leisure: it is written whole, so not for every commit.</summary>
/// <param name="state">The file.</param>
/// <param name="newer">The last commit and its objects; null where it is the one that it is told, or somebody else's business.</param>
/// <param name="log">Where it is told that the state cannot be saved.</param>
internal sealed partial class StateKeeper(LastGoodState state, Func<long, (long Commit, ConfigObject[] Objects)?> newer, ILogger log)
{
    /// <summary>How soon the first state is saved.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long to wait between saves, and after one that failed.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Saves until it is cancelled.</summary>
    /// <param name="saved">The commit that is in the file already.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    public async Task RunAsync(long saved, CancellationToken ct)
    {
        TimeSpan wait = First;
        string? trouble = null;
        while (true)
        {
            await Task.Delay(wait, ct).ConfigureAwait(false);
            if (newer(saved) is not var (commit, objects))
            {
                continue;
            }

            wait = Interval;
            try
            {
                state.Save(objects, DateTimeOffset.UtcNow);
                saved = commit;
                trouble = null;
            }
            catch (Exception e)
            {
                // A disk that is full, or a folder that is not there yet, may be mended: told once, tried again.
                if (trouble != e.Message)
                {
                    trouble = e.Message;
                    LogNotSaved(log, Interval.TotalSeconds, e.Message);
                }
            }
        }
    }

    [LoggerMessage(6, LogLevel.Error, "the state is not saved, which is tried again every {Seconds} s: {Reason}")]
    private static partial void LogNotSaved(ILogger log, double seconds, string reason);
}
