using Amesh.Translation.Clusters;
using Amesh.Xds.Store;

namespace Amesh.Translation.Listeners;

/// <summary>The filter chains that name clusters themselves, and which of their stream routes must be made again.</summary>
/// <param name="objects">Where stream routes go.</param>
/// <param name="clusters">The clusters that they name.</param>
/// <param name="guard">Keeps one chain's faults from the others.</param>
internal sealed class StreamRouteTable(ObjectTable objects, ClusterTable clusters, UnitGuard guard)
{
    private readonly Dictionary<ChainKey, FilterChainModel> _chains = [];
    private readonly Uses<ChainKey> _uses = new();

    // What must be made again at the end of the batch.
    private readonly HashSet<ChainKey> _dirty = [];

    /// <summary>Whether a chain sends connections, or questions for keys of tokens, to a cluster of this name.</summary>
    public bool Uses(string cluster) => _uses.Any(cluster);

    /// <summary>A chain has come, has changed or, where it is null, has gone.</summary>
    public void SetChain(ChainKey key, FilterChainModel? model)
    {
        bool had = _chains.Remove(key);
        bool has = model is { Proxy: not null } or { Asked: not null };
        if (has)
        {
            _chains[key] = model!;
        }

        if (had || has)
        {
            _dirty.Add(key);
        }
    }

    /// <summary>A cluster has become another kind: what names it must be made again.</summary>
    public void MarkUsersOf(string cluster) => _dirty.UnionWith(_uses.Of(cluster));

    /// <summary>Makes again what must be, and marks the clusters that chains have begun or ceased to name.</summary>
    public void Make()
    {
        foreach (ChainKey key in _dirty)
        {
            guard.Try(new UnitKey(UnitKind.FilterChain, key.Listener, key.Name), () => Make(key, _chains.GetValueOrDefault(key)));
        }

        _dirty.Clear();
    }

    private void Make(ChainKey key, FilterChainModel? model)
    {
        objects.Set(
            new Owner(Apisix.ObjectKind.StreamRoute, key.Listener, key.Name),
            model?.Proxy is { } proxy ? [TcpProxies.Translate(key.Listener, key.Name, proxy, clusters)] : []);
        clusters.MarkDirty(_uses.Replace(key, [.. ClustersOf(model).Distinct()]));
    }

    // Who names a subset names its cluster as well.
    private IEnumerable<string> ClustersOf(FilterChainModel? model) =>
        model?.Proxy?.Clusters.SelectMany(cluster => new[] { cluster.Name, clusters.TargetOf(cluster.Name, cluster.Marks) }) ?? model?.Asked ?? [];
}
