using Microsoft.Extensions.Logging;

namespace Amesh.Dns;

/// <summary>Keeps names looked up, each at its own pace, on the runtime's threads.</summary>
/// <remarks>
/// Envoy's rules: after an answer the next look comes at the refresh rate or when the answer's time is over; after a
/// failure at random below an interval that doubles.
/// </remarks>
public sealed partial class NameWatcher : INameResolver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<NameQuery, CancellationTokenSource> _watched = [];
    private readonly INameLookup _lookup;
    private readonly ILogger _log;
    private readonly TimeProvider _time;

    /// <summary>A watcher that looks names up as this machine is configured.</summary>
    public NameWatcher(ILogger log)
        : this(new NameLookup(), log, TimeProvider.System)
    {
    }

    internal NameWatcher(INameLookup lookup, ILogger log, TimeProvider time)
    {
        _lookup = lookup;
        _log = log;
        _time = time;
    }

    /// <inheritdoc/>
    public void Watch(IReadOnlyCollection<NameQuery> names, Action<NameQuery, IReadOnlyList<string>?> answered)
    {
        var wanted = names.ToHashSet();
        lock (_gate)
        {
            foreach (NameQuery gone in _watched.Keys.Where(name => !wanted.Contains(name)).ToArray())
            {
                Forget(gone);
            }

            foreach (NameQuery name in wanted.Where(name => !_watched.ContainsKey(name)))
            {
                var stop = new CancellationTokenSource();
                _watched[name] = stop;
                CancellationToken ct = stop.Token;
                _ = Task.Run(() => FollowAsync(name, answered, ct), CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (NameQuery name in _watched.Keys.ToArray())
            {
                Forget(name);
            }
        }

        (_lookup as IDisposable)?.Dispose();
    }

    private void Forget(NameQuery name)
    {
        _watched.Remove(name, out CancellationTokenSource? stop);
        stop?.Cancel();
        stop?.Dispose();
    }

    private async Task FollowAsync(NameQuery query, Action<NameQuery, IReadOnlyList<string>?> answered, CancellationToken ct)
    {
        int failures = 0;
        try
        {
            while (!ct.IsCancellationRequested)
            {
                LookupResult result = await TryLookUpAsync(query, ct).ConfigureAwait(false);
                ct.ThrowIfCancellationRequested();
                bool failed = result.Status == LookupStatus.Failed;
                if (failed && failures == 0)
                {
                    LogFailed(_log, query.Name, result.Reason);
                }
                else if (!failed && failures > 0)
                {
                    LogBack(_log, query.Name);
                }

                failures = failed ? failures + 1 : 0;
                Tell(query, result, answered);
                await Task.Delay(Pause(query, result, failures), _time, ct).ConfigureAwait(false);
            }
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
            // Nobody wants this name any more.
        }
    }

    // Whatever goes wrong in one look, there is another: a name that is never looked up again sends requests to where nobody is.
    private async Task<LookupResult> TryLookUpAsync(NameQuery query, CancellationToken ct)
    {
        try
        {
            return await _lookup.LookUpAsync(query, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return LookupResult.Failed($"{e.GetType().Name}: {e.Message}");
        }
    }

    private void Tell(NameQuery query, LookupResult result, Action<NameQuery, IReadOnlyList<string>?> answered)
    {
        try
        {
            answered(query, result.Status == LookupStatus.Failed ? null : [.. result.Addresses.Select(a => a.Address.ToString()).Distinct()]);
        }
        catch (Exception e)
        {
            LogNotTaken(_log, query.Name, e.ToString());
        }
    }

    private static TimeSpan Pause(NameQuery query, LookupResult result, int failures)
    {
        TimeSpan pause = query.RefreshRate;
        if (failures > 0 && query.FailureBase is { } first)
        {
            // Bounded before the power is taken: a name may fail for weeks.
            double most = Math.Min(first.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 30)), Math.Max(first.TotalSeconds, query.FailureMax.TotalSeconds));
            pause = TimeSpan.FromSeconds(most * Random.Shared.NextDouble());
        }
        else if (failures == 0 && query.RespectTtl && result.TimeToLive > TimeSpan.Zero)
        {
            pause = result.TimeToLive;
        }

        pause += query.Jitter * Random.Shared.NextDouble();

        // Nobody is served by asking more often than this, whatever a configuration says; and timers end at 49 days.
        return TimeSpan.FromSeconds(Math.Clamp(pause.TotalSeconds, 0.001, TimeSpan.FromDays(7).TotalSeconds));
    }

    [LoggerMessage(1, LogLevel.Warning, "{Name} cannot be looked up, and what is known of it stays: {Reason}")]
    private static partial void LogFailed(ILogger log, string name, string reason);

    [LoggerMessage(2, LogLevel.Information, "{Name} can be looked up again")]
    private static partial void LogBack(ILogger log, string name);

    [LoggerMessage(3, LogLevel.Error, "what {Name} stands for now could not be taken in: {Reason}")]
    private static partial void LogNotTaken(ILogger log, string name, string reason);
}
