using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Health.Tests;

public sealed class HealthWatcherTests : IDisposable
{
    private static readonly HealthTarget One = new("c", "10.0.0.1", 80, new HealthCheck("c") { UnhealthyThreshold = 2, Timeout = TimeSpan.FromSeconds(30) });
    private static readonly HealthTarget Two = One with { Host = "10.0.0.2" };

    private readonly ConcurrentDictionary<HealthTarget, ToldProbe> _probes = new();
    private readonly Channel<(HealthTarget Target, HealthStatus Status)> _told = Channel.CreateUnbounded<(HealthTarget, HealthStatus)>();
    private readonly HealthWatcher _watcher;

    public HealthWatcherTests() => _watcher = new HealthWatcher(target => _probes.GetOrAdd(target, _ => new ToldProbe()), NullLogger.Instance, TimeProvider.System);

    public void Dispose() => _watcher.Dispose();

    [Fact]
    public async Task The_first_result_and_changes_are_told()
    {
        Watch(Fast(One));
        ToldProbe probe = _probes[Fast(One)];
        probe.Say(CheckResult.Bad);
        Assert.Equal((Fast(One), HealthStatus.Unhealthy), await NextAsync());

        probe.Say(CheckResult.Bad);
        probe.Say(CheckResult.Good);
        Assert.Equal((Fast(One), HealthStatus.Healthy), await NextAsync());

        // One failure of two, and whatever it is that goes wrong.
        probe.Say(new InvalidOperationException("no connection"));
        probe.Say(CheckResult.Good);
        probe.Say(new InvalidOperationException("no connection"));
        probe.Say(new InvalidOperationException("no connection"));
        Assert.Equal((Fast(One), HealthStatus.Unhealthy), await NextAsync());
        Assert.Equal(3, probe.Resets);
    }

    [Fact]
    public async Task A_check_goes_on_when_others_come_and_go()
    {
        Watch(Fast(One), Fast(Two));
        _probes[Fast(One)].Say(CheckResult.Good);
        await NextAsync();

        Watch(Fast(One));
        await _probes[Fast(Two)].Disposed.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(_probes[Fast(One)].Disposed.IsCompleted);

        // Nothing is told again of what is known.
        _probes[Fast(One)].Say(CheckResult.Good);
        _probes[Fast(One)].Say(CheckResult.Bad);
        Assert.Equal((Fast(One), HealthStatus.Unhealthy), await NextAsync());
    }

    [Fact]
    public async Task Who_does_not_answer_in_time_has_not_answered()
    {
        HealthTarget target = Fast(One) with { Check = new HealthCheck("fast") { Timeout = TimeSpan.FromMilliseconds(20), Interval = TimeSpan.Zero } };
        Watch(target);
        Assert.Equal((target, HealthStatus.Unhealthy), await NextAsync());
    }

    [Fact]
    public async Task Without_traffic_there_is_more_time_between_checks()
    {
        _watcher.HasTraffic = _ => false;
        Watch(Fast(One));
        _probes[Fast(One)].Say(CheckResult.Good);
        await NextAsync();
        _probes[Fast(One)].Say(CheckResult.Bad);
        Watch(Fast(One), Fast(Two));
        _probes[Fast(Two)].Say(CheckResult.Good);

        // The other one is first, for one minute has not gone by.
        Assert.Equal((Fast(Two), HealthStatus.Healthy), await NextAsync());
    }

    private static HealthTarget Fast(HealthTarget target) => target with { Check = target.Check with { Interval = TimeSpan.Zero } };

    private void Watch(params HealthTarget[] targets) =>
        _watcher.Watch(targets.ToDictionary(target => target, _ => (HealthTls?)null), (target, status) => _told.Writer.TryWrite((target, status)));

    // The limit is for a test that would hang.
    private Task<(HealthTarget, HealthStatus)> NextAsync() => _told.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));

    /// <summary>Answers when the test says so.</summary>
    private sealed class ToldProbe : IProbe
    {
        private readonly Channel<object> _results = Channel.CreateUnbounded<object>();
        private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HealthTls? Tls { get; set; }

        public int Resets { get; private set; }

        public Task Disposed => _disposed.Task;

        public void Say(object result) => _results.Writer.TryWrite(result);

        public async Task<(CheckResult Result, string Reason)> AskAsync(CancellationToken ct) =>
            await _results.Reader.ReadAsync(ct) switch
            {
                CheckResult result => (result, "told"),
                Exception e => throw e,
                _ => throw new InvalidOperationException(),
            };

        public void Reset() => Resets++;

        public void Dispose() => _disposed.TrySetResult();
    }
}
