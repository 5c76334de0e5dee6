using Amesh.Dns;

namespace Amesh.Translation.Clusters;

/// <summary>The names that clusters' endpoints have, and what they stand for now.</summary>
/// <remarks>
/// Envoy's rules: a failure changes nothing; "no such name" leaves a STRICT_DNS cluster without this endpoint and a
/// LOGICAL_DNS cluster as it was.
/// </remarks>
internal sealed class NameTable
{
    private readonly Dictionary<NameQuery, State> _names = [];
    private readonly Dictionary<string, NameQuery[]> _byCluster = [];

    /// <summary>Whether somebody looks names up. If not, they stay in the nodes, and APISIX does.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>Whether the names are others than when this was last set to false.</summary>
    public bool Changed { get; set; }

    /// <summary>All names.</summary>
    public IReadOnlyCollection<NameQuery> Queries => _names.Keys;

    /// <summary>Names that nothing has been said of yet.</summary>
    public IEnumerable<string> Awaited => _names.Where(name => !name.Value.IsAnswered).Select(name => name.Key.Name);

    /// <summary>Replaces the names of a cluster; none for one that has gone or is not used.</summary>
    public void Follow(string cluster, IEnumerable<NameQuery> queries)
    {
        NameQuery[] now = [.. queries.Distinct()];
        NameQuery[] before = _byCluster.GetValueOrDefault(cluster) ?? [];
        foreach (NameQuery query in now.Except(before))
        {
            if (!_names.TryGetValue(query, out State? state))
            {
                _names[query] = state = new State();
                Changed = true;
            }

            state.Clusters.Add(cluster);
        }

        foreach (NameQuery query in before.Except(now))
        {
            State state = _names[query];
            state.Clusters.Remove(cluster);
            if (state.Clusters.Count == 0)
            {
                _names.Remove(query);
                Changed = true;
            }
        }

        if (now.Length == 0)
        {
            _byCluster.Remove(cluster);
        }
        else
        {
            _byCluster[cluster] = now;
        }
    }

    /// <summary>Whether something has been said of all names of a cluster, if only that they cannot be looked up.</summary>
    public bool IsKnown(string cluster) => (_byCluster.GetValueOrDefault(cluster) ?? []).All(query => _names[query].IsAnswered);

    /// <summary>Takes an answer, null for a failure; says which clusters it changes.</summary>
    public IEnumerable<string> Answer(NameQuery query, IReadOnlyList<string>? addresses)
    {
        if (!_names.TryGetValue(query, out State? state))
        {
            return [];
        }

        bool isFirst = !state.IsAnswered;
        state.IsAnswered = true;
        if (addresses is null || addresses.SequenceEqual(state.Addresses))
        {
            return isFirst ? state.Clusters : [];
        }

        state.Addresses = addresses;
        state.LastFound = addresses.Count > 0 ? addresses[0] : state.LastFound;
        return state.Clusters;
    }

    /// <summary>Puts addresses in the place of names.</summary>
    public Assignment Resolve(ClusterModel cluster)
    {
        if (cluster.Lookup is null || !IsAnswered)
        {
            return cluster.Inline;
        }

        return cluster.Inline with
        {
            Groups = [.. cluster.Inline.Groups.Select(group => group with
            {
                // An endpoint of its own kind: there can be no other to come after.
                Priority = cluster.IsLogical ? 0 : group.Priority,
                Endpoints = [.. group.Endpoints.SelectMany(endpoint => endpoint.IsNamed ? Resolve(cluster, endpoint) : [endpoint])],
            })],
        };
    }

    private IEnumerable<Endpoint> Resolve(ClusterModel cluster, Endpoint endpoint)
    {
        State? state = _names.GetValueOrDefault(cluster.Lookup! with { Name = endpoint.Host });
        IEnumerable<string> addresses = cluster.IsLogical ? [.. new[] { state?.LastFound }.OfType<string>()] : state?.Addresses ?? [];
        string hostName = endpoint.HostName.Length > 0 ? endpoint.HostName : endpoint.Host;
        return addresses.Select(address => endpoint with { Host = address, HostName = hostName });
    }

    private sealed class State
    {
        public HashSet<string> Clusters { get; } = [];

        public bool IsAnswered { get; set; }

        public IReadOnlyList<string> Addresses { get; set; } = [];

        public string? LastFound { get; set; }
    }
}
