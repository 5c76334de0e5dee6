using System.Collections.Concurrent;
using Amesh.Dns;
using Amesh.Health;
using Amesh.Xds;
using Amesh.Xds.Store;

namespace Amesh.Translation;

/// <summary>The one pipeline: what a source says goes into the store, the translator, and as a change set to the sink.</summary>
/// <remarks>
/// <para>
/// The first commit waits until everything that clusters and listeners name has come, or until
/// <see cref="FirstCommitDeadline"/> after the first update: a mesh that is half there must not replace a whole one. From
/// then on each quiet moment of the source is a commit, of which new versions of clusters and listeners are part once what they
/// name has come.
/// </para>
/// <para>Thread-safe: a source calls from its own thread, the deadline from a timer's.</para>
/// </remarks>
public sealed partial class Pipeline : IResourceHandler, IDisposable
{
    private readonly Lock _gate = new();
    private readonly IConfigSink _sink;
    private readonly Action<string>? _onTrouble;
    private readonly INameResolver? _names;
    private readonly IHealthChecker? _health;
    private readonly IEjections? _ejections;
    private readonly ConcurrentQueue<(HealthTarget Target, HealthStatus Status)> _checked = new();
    private readonly ITimer _deadline;
    private readonly ITimer _expiry;
    private bool _amid;
    private bool _started;
    private bool _complete;
    private bool _overdue;
    private bool _committed;

    /// <summary>A pipeline into a sink.</summary>
    /// <param name="sink">Takes the change sets. Those that it cannot take are kept and go with the next.</param>
    /// <param name="onTrouble">Told, in one line, when the first commit is made without something, or the sink refuses one.</param>
    /// <param name="names">Looks up the names of endpoints; without it they stay names.</param>
    /// <param name="ejections">Tells of endpoints that are ejected; without it they are nodes as before.</param>
    /// <param name="health">Checks endpoints; without it they are as healthy as the control plane says.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public Pipeline(
        IConfigSink sink,
        Action<string>? onTrouble = null,
        INameResolver? names = null,
        IHealthChecker? health = null,
        IEjections? ejections = null,
        TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        _sink = sink;
        _onTrouble = onTrouble;
        _names = names;
        _health = health;
        _ejections = ejections;
        Translator.Ejections.IsTold = ejections is not null;
        Translator.Health.IsChecked = health is not null;
        Translator.EndpointNames.IsAnswered = names is not null;
        if (health is not null)
        {
            health.Succeeded = Succeeded;
            health.HasTraffic = cluster => sink.HasTraffic(Names.UpstreamId(cluster));
        }

        Store = new ResourceStore(Translator, time);
        Translator.ReadFrom(Store);
        Translator.OnTrouble = onTrouble;
        Aside = new Sideline(this);
        _deadline = time.CreateTimer(_ => TryOpen(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _expiry = time.CreateTimer(_ => TryExpire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Told, while nothing else happens here, that other names may be wanted than before.</summary>
    public Action? WantedChanged { get; set; }

    /// <summary>
    /// For sources beside the main one, which bring what that one's resources name: what they bring is committed at once,
    /// unless the main one is amid a batch, which commits it with its own.
    /// </summary>
    public IResourceHandler Aside { get; }

    /// <summary>How long the first commit waits for what is named but does not come: Envoy's default initial_fetch_timeout.</summary>
    public static TimeSpan FirstCommitDeadline { get; } = TimeSpan.FromSeconds(15);

    /// <summary>Why the last commit was refused; null when it was taken.</summary>
    public string? CommitError { get; private set; }

    /// <summary>Whether something that a source brought has not gone to the sink yet.</summary>
    public bool Receiving { get; private set; }

    /// <summary>The resources.</summary>
    public ResourceStore Store { get; }

    /// <summary>The objects.</summary>
    public Translator Translator { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update)
    {
        lock (_gate)
        {
            if (!_started)
            {
                _started = true;
                _deadline.Change(FirstCommitDeadline, Timeout.InfiniteTimeSpan);
            }

            Receive(true);
            _amid |= !SecretOrigin.IsAside(update.TypeUrl);
            IReadOnlyList<RejectedResource> rejected = Store.Apply(update);
            AwaitExpiry();
            WantedChanged?.Invoke();
            return rejected;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Wanted(string typeUrl)
    {
        lock (_gate)
        {
            return [.. Store.Wanted(typeUrl)];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Versions(string typeUrl)
    {
        lock (_gate)
        {
            return Store.Versions(typeUrl);
        }
    }

    /// <inheritdoc/>
    public void Quiet()
    {
        lock (_gate)
        {
            _amid = false;

            // Once: whether a mesh is complete is a question to all of it.
            _complete = _complete || Store.IsComplete;
            Commit();
        }
    }

    /// <summary>Commits what there is, and waits for nothing that is named any more.</summary>
    public void TakeAsItIs()
    {
        lock (_gate)
        {
            _overdue = true;
            Store.TakeAsItIs();
            Commit();
        }
    }

    /// <summary>Looks at the state while nothing changes it.</summary>
    public T Read<T>(Func<Pipeline, T> read)
    {
        lock (_gate)
        {
            return read(this);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _deadline.Dispose();
        _expiry.Dispose();
    }

    // What Envoy would warm clusters up with: their names, and the first checks of their endpoints.
    private IEnumerable<string> Awaited => Translator.EndpointNames.Awaited.Concat(Translator.Health.Awaited);

    // On a timer's thread, where what is thrown ends the process, which is a web server's.
    internal void TryOpen()
    {
        try
        {
            Open();
        }
        catch (Exception e)
        {
            _onTrouble?.Invoke($"the first commit failed: {e}");
        }
    }

    private void Open()
    {
        lock (_gate)
        {
            if (_committed || (_complete && !Awaited.Any()))
            {
                return;
            }

            _overdue = true;
            string[] missing = [.. Store.Missing.Concat(Awaited).Distinct().Take(5)];
            _onTrouble?.Invoke(
                $"after {FirstCommitDeadline.TotalSeconds:0} s the mesh is taken as it is; named but not there: {string.Join(", ", missing)}");
            Commit();
        }
    }

    /// <summary>To be called about once a second: files that the mesh names may have changed.</summary>
    public void Reread()
    {
        lock (_gate)
        {
            if (_committed && !_amid && Translator.Reread())
            {
                Commit();
            }
        }
    }

    /// <summary>
    /// To be called many times a second: endpoints may have been ejected, or come back. False where there is nothing to look for.
    /// </summary>
    public bool LookAtEjections()
    {
        lock (_gate)
        {
            if (_ejections is null || !_committed || !Translator.Ejections.IsNeeded)
            {
                return false;
            }

            if (_amid)
            {
                return true;
            }

            IReadOnlyList<string> changed = Translator.Ejections.Look(_ejections, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);
            if (changed.Count > 0)
            {
                Translator.Remake(changed);
                Commit();
                if (CommitError is null)
                {
                    Translator.Ejections.Settle(_ejections);
                }
            }

            return true;
        }
    }

    private void QuietAside()
    {
        lock (_gate)
        {
            if (!_amid)
            {
                Quiet();
            }
        }
    }

    // The sink hears of it before the source answers the control plane, and of the end after the commit: who sees an
    // answered push and nothing under way sees its commit.
    private void Receive(bool underWay)
    {
        if (Receiving != underWay)
        {
            Receiving = underWay;
            _sink.Receiving(underWay);
        }
    }

    // From whatever thread looks names up.
    private void Answered(NameQuery query, IReadOnlyList<string>? addresses)
    {
        lock (_gate)
        {
            if (Translator.Answer(query, addresses))
            {
                Commit();
            }
        }
    }

    // From whatever thread checks. While one commit is being written others wait, and go with the next together.
    private void Checked(HealthTarget target, HealthStatus status)
    {
        _checked.Enqueue((target, status));
        lock (_gate)
        {
            var results = new List<(HealthTarget, HealthStatus)>();
            while (_checked.TryDequeue(out (HealthTarget, HealthStatus) result))
            {
                results.Add(result);
            }

            // Amid a batch it goes with that.
            if (Translator.Answer(results) && !_amid)
            {
                Commit();
            }
        }
    }

    // From whatever thread checks.
    private void Succeeded(HealthTarget target)
    {
        lock (_gate)
        {
            if (_ejections is not null && Translator.Ejections.End(_ejections, target.Cluster, target.Host, target.Port))
            {
                Translator.Remake([target.Cluster]);
                if (!_amid)
                {
                    Commit();
                }
            }
        }
    }

    private void Commit()
    {
        if (!_complete && !_overdue)
        {
            return;
        }

        Store.Quiet();
        if (_names is not null && Translator.EndpointNames.Changed)
        {
            Translator.EndpointNames.Changed = false;
            _names.Watch([.. Translator.EndpointNames.Queries], Answered);
        }

        if (_health is not null && Translator.Health.Changed)
        {
            Translator.Health.Changed = false;
            _health.Watch(Translator.Checked(), Checked);
        }

        // Envoy warms a cluster up before it uses it: a first look at its names belongs to it, and a first check.
        if (!_committed && !_overdue && Awaited.Any())
        {
            return;
        }

        ChangeSet changes = Translator.Changes();
        try
        {
            // The first commit may be empty, and still says that the mesh is known.
            if (!changes.IsEmpty || !_committed)
            {
                _sink.Commit(changes);
            }

            if (!_committed)
            {
                _committed = true;
                Store.BeginWarming();
            }

            CommitError = null;
            Translator.Accept();
        }
        catch (ConfigSinkException e)
        {
            if (CommitError != e.Message)
            {
                _onTrouble?.Invoke(e.Message);
            }

            CommitError = e.Message;
        }

        // A push is done when its names have been looked up, too, if in vain.
        Receive(_names is not null && Translator.EndpointNames.Awaited.Any());
    }

    private sealed class Sideline(Pipeline pipeline) : IResourceHandler
    {
        public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update) => pipeline.Apply(update);

        public IReadOnlyCollection<string> Wanted(string typeUrl) => pipeline.Wanted(typeUrl);

        public void Quiet() => pipeline.QuietAside();

        public IReadOnlyDictionary<string, string> Versions(string typeUrl) => pipeline.Versions(typeUrl);
    }
}
