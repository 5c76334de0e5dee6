using Microsoft.Extensions.Logging;

namespace Amesh.Health;

/// <summary>Keeps endpoints checked, each at its own pace, on the runtime's threads.</summary>
public sealed partial class HealthWatcher : IHealthChecker, IDisposable
{
    // A configuration that asks for no pause at all would ask for a busy loop, and timers end at 49 days.
    private static readonly TimeSpan _leastPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _mostPause = TimeSpan.FromDays(7);

    private readonly Lock _gate = new();
    private readonly Dictionary<HealthTarget, Watched> _watched = [];
    private readonly Func<HealthTarget, IProbe> _probes;
    private readonly ILogger _log;
    private readonly TimeProvider _time;

    /// <summary>A watcher that asks endpoints.</summary>
    public HealthWatcher(ILogger log)
        : this(Probes.For, log, TimeProvider.System)
    {
    }

    internal HealthWatcher(Func<HealthTarget, IProbe> probes, ILogger log, TimeProvider time)
    {
        _probes = probes;
        _log = log;
        _time = time;
    }

    /// <inheritdoc/>
    public Action<HealthTarget>? Succeeded { get; set; }

    /// <inheritdoc/>
    public Func<string, bool>? HasTraffic { get; set; }

    /// <inheritdoc/>
    public void Watch(IReadOnlyDictionary<HealthTarget, HealthTls?> targets, Action<HealthTarget, HealthStatus> changed)
    {
        lock (_gate)
        {
            foreach (HealthTarget gone in _watched.Keys.Where(target => !targets.ContainsKey(target)).ToArray())
            {
                Forget(gone);
            }

            foreach ((HealthTarget target, HealthTls? tls) in targets)
            {
                if (_watched.TryGetValue(target, out Watched? known))
                {
                    known.Probe.Tls = tls;
                    continue;
                }

                var watched = new Watched(_probes(target), new CancellationTokenSource());
                watched.Probe.Tls = tls;
                _watched[target] = watched;
                CancellationToken ct = watched.Stop.Token;
                _ = Task.Run(() => FollowAsync(target, watched.Probe, changed, ct), CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (HealthTarget target in _watched.Keys.ToArray())
            {
                Forget(target);
            }
        }
    }

    private void Forget(HealthTarget target)
    {
        if (_watched.Remove(target, out Watched? watched))
        {
            watched.Stop.Cancel();
            watched.Stop.Dispose();
        }
    }

    private async Task FollowAsync(HealthTarget target, IProbe probe, Action<HealthTarget, HealthStatus> changed, CancellationToken ct)
    {
        HealthCheck check = target.Check;
        var course = new HealthCourse(check);
        HealthStatus? told = null;
        try
        {
            using IProbe owned = probe;
            if (check.InitialJitter > TimeSpan.Zero)
            {
                await PauseAsync(check.InitialJitter * Random.Shared.NextDouble(), ct).ConfigureAwait(false);
            }

            while (!ct.IsCancellationRequested)
            {
                (CheckResult result, string reason) = await AskAsync(check, probe, ct).ConfigureAwait(false);
                ct.ThrowIfCancellationRequested();
                TimeSpan pause = course.Note(result, HasTraffic?.Invoke(target.Cluster) ?? true);
                HealthStatus status = course.Status;
                if (told != status)
                {
                    Log(target, told, status, reason);
                    told = status;
                    changed(target, status);
                }

                if (result == CheckResult.Good && status == HealthStatus.Healthy)
                {
                    Succeeded?.Invoke(target);
                }

                await PauseAsync(pause + ByChance(check, pause), ct).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (ct.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException)
        {
            // Nobody wants to know any more.
        }
        catch (Exception e)
        {
            LogEnded(_log, target.Address, target.Cluster, e.ToString());
        }
    }

    private async Task<(CheckResult Result, string Reason)> AskAsync(HealthCheck check, IProbe probe, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(check.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            return await probe.AskAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException(ct);
        }
        catch (Exception e)
        {
            // Whatever goes wrong on the way is no answer.
            probe.Reset();
            return (CheckResult.None, timeout.IsCancellationRequested ? $"no answer within {check.Timeout.TotalSeconds:0.###} s" : Innermost(e).Message);
        }
    }

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;

    private static TimeSpan ByChance(HealthCheck check, TimeSpan pause) =>
        (pause * check.IntervalJitterPercent / 100 * Random.Shared.NextDouble()) + (check.IntervalJitter * Random.Shared.NextDouble());

    private Task PauseAsync(TimeSpan pause, CancellationToken ct) =>
        Task.Delay(pause < _leastPause ? _leastPause : pause > _mostPause ? _mostPause : pause, _time, ct);

    private void Log(HealthTarget target, HealthStatus? before, HealthStatus now, string reason)
    {
        if (now == HealthStatus.Unhealthy)
        {
            LogUnhealthy(_log, target.Address, target.Cluster, reason);
        }
        else if (before is not null)
        {
            LogBack(_log, target.Address, target.Cluster, now == HealthStatus.Degraded ? "degraded" : "healthy");
        }
    }

    private sealed record Watched(IProbe Probe, CancellationTokenSource Stop);

    [LoggerMessage(1, LogLevel.Warning, "endpoint {Endpoint} of {Cluster} is unhealthy: {Reason}")]
    private static partial void LogUnhealthy(ILogger log, string endpoint, string cluster, string reason);

    [LoggerMessage(2, LogLevel.Information, "endpoint {Endpoint} of {Cluster} is {Status}")]
    private static partial void LogBack(ILogger log, string endpoint, string cluster, string status);

    [LoggerMessage(3, LogLevel.Error, "endpoint {Endpoint} of {Cluster} is not checked any more: {Reason}")]
    private static partial void LogEnded(ILogger log, string endpoint, string cluster, string reason);
}
