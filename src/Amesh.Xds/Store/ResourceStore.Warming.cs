namespace Amesh.Xds.Store;

/// <content>What waits until what it names has come.</content>
public sealed partial class ResourceStore
{
    /// <summary>The clusters and listeners of which another version is in service than the newest, or none yet.</summary>
    public IEnumerable<WaitingResource> Warming =>
        _warming.All.Select(one => new WaitingResource(one.Resource.ToString(), [.. one.For.Select(dependency => dependency.ToString()).Order(StringComparer.Ordinal)], one.Since));

    /// <summary>The clusters and listeners that went into service without something, because its time was over or it was refused.</summary>
    public IEnumerable<WaitingResource> Incomplete => _incomplete.Keys.Select(IncompleteOf).OfType<WaitingResource>();

    /// <summary>How long until <see cref="Expire"/> has something to do; null where nothing waits that has an end.</summary>
    public TimeSpan? NextExpiry => _warming.NextExpiry;

    /// <summary>
    /// From now on new versions of clusters and listeners wait for what they name. To be called when a first load is in service,
    /// which is waited for as a whole.
    /// </summary>
    public void BeginWarming()
    {
        _warms = true;

        // Nobody waits again for what the first load was taken without.
        foreach ((string typeUrl, Dictionary<string, int> names) in _named)
        {
            foreach (string name in names.Keys.Where(name => !_held[typeUrl].ContainsKey(name)))
            {
                _warming.GiveUp(new ResourceReference(typeUrl, name));
            }
        }
    }

    /// <summary>Takes into service what has waited as long as it was to; what that was, and what it lacks.</summary>
    public IReadOnlyList<WaitingResource> Expire()
    {
        IReadOnlyList<ResourceReference> free = _warming.Expire();
        GoIntoService(free);
        DropUnnamed();
        return [.. free.Select(IncompleteOf).OfType<WaitingResource>()];
    }

    /// <summary>Takes everything into service as it is.</summary>
    public void TakeAsItIs()
    {
        GoIntoService([.. _warming.All.Select(one => one.Resource)]);
        DropUnnamed();
    }

    private WaitingResource? IncompleteOf(ResourceReference resource)
    {
        (ResourceReference[] lacks, DateTimeOffset since) = _incomplete.GetValueOrDefault(resource, ([], default));
        string[] missing = [.. lacks.Where(IsMissing).Select(dependency => dependency.ToString()).Order(StringComparer.Ordinal)];
        return missing.Length == 0 ? null : new WaitingResource(resource.ToString(), missing, since);
    }

    private bool IsMissing(ResourceReference dependency) => !_held[dependency.TypeUrl].ContainsKey(dependency.Name);

    private bool IsAwaited(Dependency dependency) =>
        IsMissing(dependency.Resource) && !_unattended.Contains(dependency.Resource.TypeUrl) && _warming.IsAwaited(dependency.Resource);

    // What was refused, or is said not to exist: as with Envoy's subscriptions, that is an answer, too.
    private void GiveUp(ResourceReference dependency)
    {
        if (IsMissing(dependency) && _named[dependency.TypeUrl].ContainsKey(dependency.Name))
        {
            GoIntoService(_warming.GiveUp(dependency));
        }
    }

    private void GoIntoService(IReadOnlyList<ResourceReference> resources)
    {
        foreach (ResourceReference resource in resources)
        {
            _warming.TryGetServing(resource, out IReadOnlyDictionary<(UnitKind, string), HeldUnit>? serving);
            _warming.End(resource);
            IReadOnlyDictionary<(UnitKind, string), HeldUnit> units = _held[resource.TypeUrl][resource.Name].Units;
            Publish(resource, ResourceType.All[resource.TypeUrl], serving, units, NothingDecoded);
            ResourceReference[] lacks = [.. units.Values.SelectMany(unit => unit.Dependencies).Select(dependency => dependency.Resource).Where(IsMissing).Distinct()];
            if (lacks.Length > 0)
            {
                _incomplete[resource] = (lacks, _time.GetUtcNow());
            }
        }
    }

    private static bool IsSame(
        IReadOnlyDictionary<(UnitKind, string), HeldUnit>? serving, Dictionary<(UnitKind Kind, string Name), HeldUnit> units) =>
        serving is not null && serving.Count == units.Count
        && units.All(unit => serving.TryGetValue(unit.Key, out HeldUnit? other) && other.Bytes.Span.SequenceEqual(unit.Value.Bytes.Span));
}
