using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Dns.Tests;

public sealed class NameWatcherTests : IDisposable
{
    private static readonly NameQuery Plain = new("a.test") { RefreshRate = TimeSpan.FromSeconds(5) };

    private readonly Script _script = new();
    private readonly ManualTime _time = new();
    private readonly NameWatcher _watcher;
    private readonly Channel<(NameQuery Query, IReadOnlyList<string>? Addresses)> _answers = Channel.CreateUnbounded<(NameQuery, IReadOnlyList<string>?)>();

    public NameWatcherTests() => _watcher = new NameWatcher(_script, NullLogger.Instance, _time);

    public void Dispose() => _watcher.Dispose();

    [Fact]
    public async Task A_name_is_looked_up_again_at_the_refresh_rate()
    {
        Watch(Plain);
        _script.Say(Found(30, "10.0.0.1"));
        Assert.Equal(["10.0.0.1"], await NextAsync());
        Assert.Equal(5, await _time.NextWaitAsync());

        _script.Say(LookupResult.Empty);
        Assert.Equal([], await NextAsync());
        Assert.Equal(5, await _time.NextWaitAsync());
    }

    [Fact]
    public async Task The_answers_own_time_is_respected_where_it_is_asked_for()
    {
        Watch(Plain with { RespectTtl = true });
        _script.Say(Found(30, "10.0.0.1"));
        await NextAsync();
        Assert.Equal(30, await _time.NextWaitAsync());

        // No time at all, as in the hosts file.
        _script.Say(Found(0, "10.0.0.1"));
        await NextAsync();
        Assert.Equal(5, await _time.NextWaitAsync());
    }

    [Fact]
    public async Task Failures_say_so_and_are_waited_for_longer_and_longer()
    {
        Watch(Plain with { FailureBase = TimeSpan.FromSeconds(1), FailureMax = TimeSpan.FromSeconds(8) });
        double most = 0;
        for (int i = 0; i < 12; i++)
        {
            _script.Say(LookupResult.Failed("no"));
            Assert.Null(await NextAsync());
            double wait = await _time.NextWaitAsync();
            Assert.InRange(wait, 0, Math.Min(8, Math.Pow(2, i)));
            most = Math.Max(most, wait);
        }

        Assert.InRange(most, 1, 8);
        _script.Say(Found(30, "10.0.0.1"));
        await NextAsync();
        Assert.Equal(5, await _time.NextWaitAsync());
    }

    [Fact]
    public async Task A_failure_without_a_rate_of_its_own_waits_as_long_as_an_answer()
    {
        Watch(Plain);
        _script.Say(LookupResult.Failed("no"));
        await NextAsync();
        Assert.Equal(5, await _time.NextWaitAsync());
    }

    [Fact]
    public async Task A_look_that_breaks_is_a_failure_and_not_the_last_one()
    {
        Watch(Plain);
        _script.Break(new IOException("broken pipe"));
        Assert.Null(await NextAsync());
        await _time.NextWaitAsync();
        _script.Say(Found(30, "10.0.0.1"));
        Assert.Equal(["10.0.0.1"], await NextAsync());
    }

    [Fact]
    public async Task An_answer_that_cannot_be_taken_in_is_not_the_last_one()
    {
        _watcher.Watch([Plain], (query, addresses) =>
        {
            _answers.Writer.TryWrite((query, addresses));
            throw new InvalidOperationException("not now");
        });
        _script.Say(Found(30, "10.0.0.1"));
        await NextAsync();
        await _time.NextWaitAsync();
        _script.Say(Found(30, "10.0.0.2"));
        Assert.Equal(["10.0.0.2"], await NextAsync());
    }

    [Fact]
    public async Task A_name_that_nobody_wants_is_given_up_and_the_others_go_on()
    {
        NameQuery other = Plain with { Name = "b.test" };
        Watch(Plain, other);
        _script.Say(LookupResult.Empty);
        _script.Say(LookupResult.Empty);
        await NextAsync();
        await NextAsync();
        await _time.NextWaitAsync(fire: false);
        await _time.NextWaitAsync(fire: false);

        Watch(other);
        _time.FireAll();
        _script.Say(LookupResult.Empty);
        Assert.Equal(other, (await _answers.Reader.ReadAsync()).Query);
    }

    private static LookupResult Found(int seconds, params string[] addresses) =>
        LookupResult.Of(addresses.Select(a => new FoundAddress(IPAddress.Parse(a), TimeSpan.FromSeconds(seconds))));

    private void Watch(params NameQuery[] names) => _watcher.Watch(names, (query, addresses) => _answers.Writer.TryWrite((query, addresses)));

    private async Task<IReadOnlyList<string>?> NextAsync() => (await _answers.Reader.ReadAsync()).Addresses;

    /// <summary>Says what it is told to, in order, whatever is asked.</summary>
    private sealed class Script : INameLookup
    {
        private readonly Channel<Func<LookupResult>> _results = Channel.CreateUnbounded<Func<LookupResult>>();

        public void Say(LookupResult result) => _results.Writer.TryWrite(() => result);

        public void Break(Exception e) => _results.Writer.TryWrite(() => throw e);

        public async Task<LookupResult> LookUpAsync(NameQuery query, CancellationToken ct) => (await _results.Reader.ReadAsync(ct))();
    }

    /// <summary>Time passes when the test says so.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private readonly Channel<Waiting> _waits = Channel.CreateUnbounded<Waiting>();
        private readonly List<Waiting> _held = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var waiting = new Waiting(() => callback(state), dueTime);
            _waits.Writer.TryWrite(waiting);
            return waiting;
        }

        public async Task<double> NextWaitAsync(bool fire = true)
        {
            Waiting waiting = await _waits.Reader.ReadAsync();
            _held.Add(waiting);
            if (fire)
            {
                FireAll();
            }

            return waiting.For.TotalSeconds;
        }

        public void FireAll()
        {
            _held.ForEach(waiting => waiting.Fire());
            _held.Clear();
        }

        private sealed record Waiting(Action Fire, TimeSpan For) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
