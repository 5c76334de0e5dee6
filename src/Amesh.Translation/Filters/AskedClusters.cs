namespace Amesh.Translation.Filters;

/// <summary>The clusters that a chain's filters ask: their upstreams must be there as those of routes.</summary>
internal sealed class AskedClusters
{
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>Null for none.</summary>
    public IReadOnlyList<string>? Names => _names.Count == 0 ? null : [.. _names];

    /// <summary>The id of the cluster's upstream.</summary>
    public string UpstreamId(string cluster)
    {
        _names.Add(cluster);
        return Translation.Names.UpstreamId(cluster);
    }
}
