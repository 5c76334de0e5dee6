namespace Amesh.Xds.Store;

/// <summary>
/// The clusters and listeners whose newest version is not in service yet, because something that it names has not come; and what
/// is not waited for any more.
/// </summary>
/// <remarks>
/// Envoy's rules: a route configuration or a secret is one subscription, whoever names it. Once it has been given up (its time was
/// over, or what came was refused), nobody waits for it again as long as somebody names it. Endpoints are each cluster's own affair.
/// </remarks>
internal sealed class WarmingTable(TimeProvider time)
{
    private readonly Dictionary<ResourceReference, Warming> _warming = [];
    private readonly Dictionary<ResourceReference, HashSet<ResourceReference>> _waiting = [];
    private readonly HashSet<ResourceReference> _givenUp = [];
    private readonly long _origin = time.GetTimestamp();

    // No wait ends before. What ended one that did may have come meanwhile: this is not worth a look at all of them at each change.
    private TimeSpan? _soonest;

    /// <summary>Who waits, for what, since when.</summary>
    public IEnumerable<(ResourceReference Resource, IEnumerable<ResourceReference> For, DateTimeOffset Since)> All =>
        _warming.Select(one => (one.Key, one.Value.Waits.Keys.AsEnumerable(), one.Value.Since));

    /// <summary>How long until <see cref="Expire"/> may have something to do; null where nothing has an end.</summary>
    public TimeSpan? NextExpiry => _soonest is not { } end ? null : end > Now ? end - Now : TimeSpan.Zero;

    /// <summary>What is in service in place of a resource's newest version; false where that is itself.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="units">Its units; null where nothing of it is in service.</param>
    public bool TryGetServing(ResourceReference resource, out IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit>? units)
    {
        units = _warming.TryGetValue(resource, out Warming? warming) ? warming.Serving : null;
        return warming is not null;
    }

    /// <summary>Whether somebody who names it is to wait for it, as long as it has not come.</summary>
    public bool IsAwaited(ResourceReference dependency) => !_givenUp.Contains(dependency);

    /// <summary>The newest version of a resource waits, in place of one that waited before.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="serving">What is in service meanwhile; null for nothing.</param>
    /// <param name="missing">What it waits for; not empty.</param>
    public void Begin(ResourceReference resource, IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit>? serving, IReadOnlyCollection<Dependency> missing)
    {
        Warming? before = _warming.GetValueOrDefault(resource);
        End(resource);
        var warming = new Warming(serving, before?.Since ?? time.GetUtcNow());
        foreach (Dependency dependency in missing)
        {
            // A changed cluster is a new one to Envoy, which asks for its endpoints anew.
            Wait wait = before is not null && IsShared(dependency.Resource) && before.Waits.TryGetValue(dependency.Resource, out Wait known)
                ? known with { Patience = dependency.Patience }
                : new Wait(Now, dependency.Patience);
            if (!warming.Waits.TryGetValue(dependency.Resource, out Wait other) || other.Patience < wait.Patience)
            {
                warming.Waits[dependency.Resource] = wait;
                _soonest = Sooner(_soonest, wait.End);
            }

            if (!_waiting.TryGetValue(dependency.Resource, out HashSet<ResourceReference>? waiters))
            {
                _waiting[dependency.Resource] = waiters = [];
            }

            waiters.Add(resource);
        }

        _warming[resource] = warming;
    }

    /// <summary>A resource waits no more: it goes into service, has gone, or another version is to wait.</summary>
    public void End(ResourceReference resource)
    {
        if (_warming.Remove(resource, out Warming? warming))
        {
            foreach (ResourceReference dependency in warming.Waits.Keys)
            {
                Leave(resource, dependency);
            }
        }
    }

    /// <summary>A resource has come. Says who waited for nothing else.</summary>
    public IReadOnlyList<ResourceReference> Come(ResourceReference dependency)
    {
        _givenUp.Remove(dependency);
        return Release(dependency);
    }

    /// <summary>A resource is not to be waited for. Says who waited for nothing else.</summary>
    public IReadOnlyList<ResourceReference> GiveUp(ResourceReference dependency)
    {
        if (IsShared(dependency))
        {
            _givenUp.Add(dependency);
        }

        return Release(dependency);
    }

    /// <summary>Nobody names a resource any more.</summary>
    public void Forget(ResourceReference dependency) => _givenUp.Remove(dependency);

    /// <summary>Gives up what has been waited for long enough. Says who waited for nothing else.</summary>
    public IReadOnlyList<ResourceReference> Expire()
    {
        TimeSpan now = Now;
        var free = new List<ResourceReference>();
        (ResourceReference Resource, ResourceReference Dependency)[] overdue =
        [
            .. from warming in _warming
               from wait in warming.Value.Waits
               where wait.Value.End <= now
               select (warming.Key, wait.Key),
        ];
        foreach ((ResourceReference resource, ResourceReference dependency) in overdue)
        {
            if (IsShared(dependency))
            {
                free.AddRange(GiveUp(dependency));
            }
            else if (Release(resource, dependency))
            {
                free.Add(resource);
            }
        }

        _soonest = _warming.Values.SelectMany(warming => warming.Waits.Values).Aggregate((TimeSpan?)null, (end, wait) => Sooner(end, wait.End));
        return free;
    }

    private TimeSpan Now => time.GetElapsedTime(_origin);

    private static TimeSpan? Sooner(TimeSpan? one, TimeSpan other) => other == TimeSpan.MaxValue || one < other ? one : other;

    private static bool IsShared(ResourceReference dependency) => dependency.TypeUrl != TypeUrls.ClusterLoadAssignment;

    private List<ResourceReference> Release(ResourceReference dependency) =>
        _waiting.TryGetValue(dependency, out HashSet<ResourceReference>? waiters) ? [.. waiters.ToList().Where(resource => Release(resource, dependency))] : [];

    private bool Release(ResourceReference resource, ResourceReference dependency)
    {
        Leave(resource, dependency);
        return _warming.TryGetValue(resource, out Warming? warming) && warming.Waits.Remove(dependency) && warming.Waits.Count == 0;
    }

    private void Leave(ResourceReference resource, ResourceReference dependency)
    {
        if (_waiting.TryGetValue(dependency, out HashSet<ResourceReference>? waiters) && waiters.Remove(resource) && waiters.Count == 0)
        {
            _waiting.Remove(dependency);
        }
    }

    private sealed record Warming(IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit>? Serving, DateTimeOffset Since)
    {
        public Dictionary<ResourceReference, Wait> Waits { get; } = [];
    }

    private readonly record struct Wait(TimeSpan Started, TimeSpan Patience)
    {
        public TimeSpan End => Patience == TimeSpan.MaxValue ? TimeSpan.MaxValue : Started + Patience;
    }
}
