namespace Amesh.Translation.Clusters;

/// <summary>Endpoints that outlier detection has ejected, in clusters where that matters for more than the choice of a node.</summary>
/// <remarks>
/// The workers eject, and pass an ejected endpoint over. To Envoy it is unhealthy: the next priority takes over, localities get
/// other shares, panic counts it. So the library hears of it, and works the weights out again, where there are priorities or
/// weighted localities, or health checks beside it.
/// </remarks>
internal sealed class EjectionTable
{
    private readonly Dictionary<string, ClusterEjections> _clusters = [];
    private double _count;

    /// <summary>Whether somebody tells of ejections.</summary>
    public bool IsTold { get; set; }

    /// <summary>Whether there is a cluster to be told of.</summary>
    public bool IsNeeded => _clusters.Count > 0;

    /// <summary>Whether it matters for a cluster.</summary>
    public static bool Matters(ClusterModel cluster, Assignment said) => cluster.OutlierEjection is not null
        && (cluster.Checking is not null || cluster.Balancing.LocalityWeighted || said.Groups.Select(group => group.Priority).Distinct().Count() > 1);

    /// <summary>Takes the endpoints of a cluster that is used.</summary>
    public void Follow(ClusterModel cluster, Assignment said)
    {
        if (!IsTold || !Matters(cluster, said))
        {
            _clusters.Remove(cluster.Name);
            return;
        }

        if (!_clusters.TryGetValue(cluster.Name, out ClusterEjections? known))
        {
            _clusters[cluster.Name] = known = new ClusterEjections(Names.UpstreamId(cluster.Name));
        }

        known.Endpoints = [.. said.Groups.SelectMany(group => group.Endpoints).Select(endpoint => (endpoint.Host, endpoint.Port)).Distinct()];
        known.Unejects = cluster.UnejectsHealthy;
    }

    /// <summary>Nothing is to be heard of a cluster any more.</summary>
    public void Forget(string cluster) => _clusters.Remove(cluster);

    /// <summary>The endpoints with those that are ejected as unhealthy.</summary>
    public Assignment Resolve(ClusterModel cluster, Assignment assignment) =>
        _clusters.GetValueOrDefault(cluster.Name) is not { Ejected.Count: > 0 } known ? assignment : assignment with
        {
            Groups = [.. assignment.Groups.Select(group => group with
            {
                Endpoints = [.. group.Endpoints.Select(endpoint =>
                    known.Ejected.ContainsKey((endpoint.Host, endpoint.Port)) ? endpoint with { Health = EndpointHealth.Unhealthy } : endpoint)],
            })],
        };

    /// <summary>Looks at what the workers tell; says which clusters it changes.</summary>
    public IReadOnlyList<string> Look(IEjections told, double now)
    {
        double count = told.Count(null);
        bool any = count != _count;
        _count = count;
        var changed = new List<string>();
        foreach ((string name, ClusterEjections cluster) in _clusters)
        {
            if ((any || cluster.Next <= now) && cluster.Look(told, now, any))
            {
                changed.Add(name);
            }
        }

        return changed;
    }

    /// <summary>What has been found is in the nodes now.</summary>
    public void Settle(IEjections told)
    {
        foreach (ClusterEjections cluster in _clusters.Values)
        {
            cluster.Settle(told);
        }
    }

    /// <summary>A health check was good: to Envoy that ends an ejection. Whether it did.</summary>
    public bool End(IEjections told, string cluster, string host, uint port)
    {
        if (_clusters.GetValueOrDefault(cluster) is not { Unejects: true } known || !known.Ejected.Remove((host, port)))
        {
            return false;
        }

        told.TakeBack(known.Id, ClusterEjections.NameOf(host, port));
        return true;
    }

    private sealed class ClusterEjections(string id)
    {
        private readonly HashSet<(string Host, uint Port)> _unsettled = [];
        private double _count;

        public string Id { get; } = id;

        public bool Unejects { get; set; }

        public IReadOnlyList<(string Host, uint Port)> Endpoints { get; set; } = [];

        // Until when.
        public Dictionary<(string Host, uint Port), double> Ejected { get; } = [];

        // When the first of them is over.
        public double Next { get; private set; } = double.PositiveInfinity;

        // As nodes are named in APISIX.
        public static string NameOf(string host, uint port) => $"{Apisix.Schema.NodeHost(host)}:{port}";

        public bool Look(IEjections told, double now, bool any)
        {
            double count = any ? told.Count(Id) : _count;
            if (count == _count && Next > now)
            {
                return false;
            }

            _count = count;
            bool changed = false;
            Next = double.PositiveInfinity;
            foreach ((string Host, uint Port) endpoint in Endpoints)
            {
                string name = NameOf(endpoint.Host, endpoint.Port);
                if (told.Until(Id, name) is { } ejection && ejection.Until > now)
                {
                    Next = Math.Min(Next, ejection.Until);
                    changed |= !Ejected.ContainsKey(endpoint);
                    Ejected[endpoint] = ejection.Until;
                    if (!ejection.IsSettled)
                    {
                        _unsettled.Add(endpoint);
                    }
                }
                else if (Ejected.Remove(endpoint))
                {
                    changed = true;
                    told.TakeBack(Id, name);
                }
            }

            // Of endpoints that have gone, which cannot come back ejected.
            foreach ((string Host, uint Port) gone in Ejected.Keys.Except(Endpoints).ToArray())
            {
                Ejected.Remove(gone);
                told.TakeBack(Id, NameOf(gone.Host, gone.Port));
            }

            return changed || _unsettled.Count > 0;
        }

        public void Settle(IEjections told)
        {
            foreach ((string Host, uint Port) endpoint in _unsettled)
            {
                if (Ejected.TryGetValue(endpoint, out double until))
                {
                    told.Settle(Id, NameOf(endpoint.Host, endpoint.Port), until);
                }
            }

            _unsettled.Clear();
        }
    }
}
