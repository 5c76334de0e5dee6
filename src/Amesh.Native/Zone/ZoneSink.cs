using System.Globalization;
using Amesh.Apisix;
using Amesh.Translation;

namespace Amesh.Native.Zone;

/// <summary>
/// Writes change sets into the two shared dictionaries, each as one commit that readers see whole or not at all.
/// </summary>
/// <remarks>
/// <para>
/// The protocol is in ARCHITECTURE.md ("The shared dictionaries"). In short: <c>amesh/pending</c> goes one ahead of
/// <c>version</c> while a commit is written; objects are set in order, then removed; then the log and <c>version</c> follow.
/// A writer that dies between leaves a prefix of a commit, which is safe, and its successor finishes the work: it reads what
/// is there and writes the difference.
/// </para>
/// <para>One writer: the newest epoch. Called by one thread at a time, the pipeline's.</para>
/// </remarks>
internal sealed class ZoneSink : IConfigSink
{
    /// <summary>The key of the number that stock providers compare, and the number of the last commit.</summary>
    public const string VersionKey = "version";

    /// <summary>The zone of the objects.</summary>
    public const string ConfigZone = "xds-config";

    /// <summary>The zone of the commit numbers, the log and the status.</summary>
    public const string VersionZone = "xds-config-version";

    private const string PendingKey = "amesh/pending";
    private const string ReceivingKey = "amesh/receiving";
    private const string EpochKey = "amesh/epoch";
    private const string TrafficKey = "amesh/traffic/";
    private const string StatusKey = "amesh/status";

    private readonly IZone _config;
    private readonly IZone _version;
    private readonly KeyRegister _keys;
    private readonly CommitLog _log;
    private readonly double _epoch;
    private bool _reconciled;
    private bool _leftUnfinished;

    /// <summary>Takes a new epoch: from now on older writers stop.</summary>
    /// <exception cref="ConfigSinkException">The version zone has no room for a single number.</exception>
    public ZoneSink(IZone config, IZone version)
    {
        _config = config;
        _version = version;
        _keys = new KeyRegister(config);
        _log = new CommitLog(version);
        _epoch = version.Increment(EpochKey) ?? throw new ConfigSinkException("the zone xds-config-version is full: give it 1m or more");
        LookAtWhatIsThere();
    }

    /// <summary>The number of the last commit.</summary>
    public long Commits { get; private set; }

    /// <summary>Whether a state of this writer's source has been taken, though nothing may have differed; what is restored is none.</summary>
    public bool HasTaken => _reconciled;

    /// <summary>This writer's epoch.</summary>
    public long Epoch => (long)_epoch;

    /// <summary>Whether a newer process writes now; this one has stopped for good.</summary>
    public bool IsSuperseded => _version.Number(EpochKey) != _epoch;

    /// <inheritdoc/>
    public void Commit(ChangeSet changes)
    {
        if (IsSuperseded)
        {
            return;
        }

        if (!_reconciled)
        {
            LookAtWhatIsThere();
        }

        // What an earlier process has left is part of the first commit: written where it differs, removed where it is gone.
        ChangeSet difference = _reconciled ? changes : Reconcile(changes);
        bool publishes = !difference.IsEmpty || Commits == 0 || _version.Number(PendingKey) != Commits;
        if (publishes)
        {
            Write(difference);
        }

        _reconciled = true;
    }

    /// <inheritdoc/>
    public void Receiving(bool underWay)
    {
        if (!IsSuperseded)
        {
            // For whoever waits for the end of a push; without room nobody can.
            _ = _version.TryStore(ReceivingKey, underWay ? 1 : 0);
        }
    }

    /// <inheritdoc/>
    public bool HasTraffic(string upstreamId) => _version.Number(TrafficKey + upstreamId) is not null;

    /// <summary>
    /// Writes objects of an earlier life into zones that nobody has written yet; false where somebody has, who knows better. The
    /// first commit then replaces them.
    /// </summary>
    /// <exception cref="ConfigSinkException">There is no room.</exception>
    public bool TryRestore(IReadOnlyList<ConfigObject> objects)
    {
        if (Commits > 0 || IsSuperseded)
        {
            return false;
        }

        Write(new ChangeSet(objects, []));
        return true;
    }

    /// <summary>Publishes the status for whoever looks from outside; a status that finds no room is left out.</summary>
    public void WriteStatus(ReadOnlySpan<byte> json)
    {
        if (!IsSuperseded)
        {
            _ = _version.TryStore(StatusKey, json);
        }
    }

    /// <summary>What to say when a zone has no room for a change.</summary>
    public static ConfigSinkException Full(IZone zone, string name)
    {
        // Twice what there is: the allocator's own losses are not to be known from here.
        long enough = (zone.Capacity >> 19) + 1;
        return new ConfigSinkException(string.Create(
            CultureInfo.InvariantCulture,
            $"the zone {name} is full ({zone.Capacity / 1024} KiB): the change is not written and the last good state stays; "
            + $"give it {enough}m (nginx_config.http.custom_lua_shared_dict in config.yaml) and restart"));
    }

    private void Write(ChangeSet changes)
    {
        long commit = Commits + 1;
        Require(_version, VersionZone, _version.TryStore(PendingKey, commit));
        var undo = new Stack<UndoStep>();
        try
        {
            _keys.Add(changes.Set, undo);
            foreach (ConfigObject value in changes.Set)
            {
                Store(value.Key.ToString(), value.Json.Span, commit, undo);
            }
        }
        catch (ConfigSinkException)
        {
            while (undo.TryPop(out UndoStep step))
            {
                step.TakeBack(_config);
            }

            _keys.Forget();
            _ = _version.TryStore(PendingKey, Commits);
            throw;
        }

        foreach (ObjectKey key in changes.Removed)
        {
            _config.Delete(key.ToString());
        }

        _keys.Remove(changes.Removed);
        if (IsSuperseded)
        {
            // The newer process may have seen this commit unfinished. It is the one that finishes it, so that no number is published twice.
            return;
        }

        // What a writer that died in a commit has written is not part of the difference, and no reader has heard of it.
        _log.Append(commit, changes, everything: _leftUnfinished);
        Require(_version, VersionZone, _version.TryStore(VersionKey, commit));
        Commits = commit;
        _leftUnfinished = false;
    }

    // Once more before the first commit: an older process may have been amid one when this one came.
    private void LookAtWhatIsThere()
    {
        Commits = (long)(_version.Number(VersionKey) ?? 0);
        _leftUnfinished |= (_version.Number(PendingKey) ?? Commits) != Commits;
    }

    private ChangeSet Reconcile(ChangeSet whole)
    {
        var wanted = whole.Set.Select(o => o.Key.ToString()).ToHashSet();
        ConfigObject[] set = [.. whole.Set.Where(o => _config.Text(o.Key.ToString()) is not { } held || !held.AsSpan().SequenceEqual(o.Json.Span))];
        ObjectKey[] removed = [.. _keys.Read().Where(key => !wanted.Contains(key.ToString())).OrderDescending()];
        return new ChangeSet(set, removed);
    }

    // The commit's number goes with the object: whoever reads the object later knows whether it is newer than what he has applied.
    private void Store(string key, ReadOnlySpan<byte> json, long commit, Stack<UndoStep> undo)
    {
        undo.Push(UndoStep.Of(_config, key));
        Require(_config, ConfigZone, _config.TryStore(key, json, commit));
    }

    private static void Require(IZone zone, string name, bool stored)
    {
        if (!stored)
        {
            throw Full(zone, name);
        }
    }
}
