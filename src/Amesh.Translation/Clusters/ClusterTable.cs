using Amesh.Apisix;
using Amesh.Dns;
using Amesh.Health;
using Amesh.Translation.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using HealthStatus = Amesh.Health.HealthStatus;

namespace Amesh.Translation.Clusters;

/// <summary>Clusters, their endpoints and names, and the upstreams that they come to.</summary>
/// <param name="objects">Where the upstreams go.</param>
/// <param name="data">Reads what clusters keep in files.</param>
/// <param name="isNamed">Whether something that has come sends requests to a cluster of this name.</param>
/// <param name="failed">Told of a cluster whose upstream cannot be made, and stays as it is.</param>
internal sealed class ClusterTable(ObjectTable objects, IDataReader data, Func<string, bool> isNamed, Action<string, Exception> failed) : IClusters
{
    /// <summary>Stands for all clusters, where a request says itself which it goes to. Envoy's names are not empty, and this is none of a mesh's.</summary>
    public const string Any = "*";

    private readonly Dictionary<string, ClusterModel> _clusters = [];
    private readonly Dictionary<string, Assignment> _assignments = [];

    // Which clusters take their endpoints from which assignment.
    private readonly Uses<string> _ofAssignments = new();

    // Which aggregates that are used name which clusters.
    private readonly Uses<string> _aggregates = new();

    // Which subsets that are used are of which cluster.
    private readonly Uses<string> _subsets = new();

    // What must be made again at the end of the batch.
    private readonly SortedSet<string> _dirty = new(StringComparer.Ordinal);

    /// <summary>The names among the endpoints of clusters that are used.</summary>
    public NameTable Names { get; } = new();

    /// <summary>Whose endpoints are checked.</summary>
    public HealthTable Health { get; } = new();

    /// <summary>Whose endpoints may be ejected.</summary>
    public EjectionTable Ejections { get; } = new();

    /// <inheritdoc/>
    public ClusterKind KindOf(string cluster) => _clusters.TryGetValue(cluster, out ClusterModel? model) ? model.Kind : ClusterKind.Missing;

    /// <inheritdoc/>
    public OriginalDestination? OriginalDstOf(string cluster) => _clusters.GetValueOrDefault(cluster)?.OriginalDst;

    /// <summary>How a cluster's endpoints are chosen by metadata; null where they are not.</summary>
    public SubsetPolicy? SubsetsOf(string cluster) => _clusters.GetValueOrDefault(cluster)?.Subsets;

    /// <inheritdoc/>
    public string TargetOf(string cluster, string marks) =>
        KindOf(cluster) is ClusterKind.Eds or ClusterKind.Inline && SubsetsOf(cluster)?.Knows(marks) == true ? SubsetName.Of(cluster, marks) : cluster;

    /// <summary>A cluster has come, has changed or, without a message, has gone.</summary>
    public void Note(string name, Cluster? message, DiagnosticScope diagnostics)
    {
        ClusterModel? model = message is null ? null : ClusterModel.From(message, data, diagnostics.At("", Origins.Of(message.Metadata)));
        if (model is null)
        {
            _clusters.Remove(name);
        }
        else
        {
            _clusters[name] = model;
        }

        _ofAssignments.Replace(name, model is null ? [] : [model.AssignmentName]);
        MarkDirty(name);
    }

    /// <summary>The endpoints of one or more clusters have come, have changed or have gone.</summary>
    public void Note(string assignment, ClusterLoadAssignment? message, DiagnosticScope diagnostics)
    {
        if (message is null)
        {
            _assignments.Remove(assignment);
        }
        else
        {
            _assignments[assignment] = Assignment.From(message, diagnostics);
        }

        MarkDirty(_ofAssignments.Of(assignment));
    }

    /// <summary>A name was looked up; null for a failure. Says whether that changes anything.</summary>
    public bool Answer(NameQuery query, IReadOnlyList<string>? addresses)
    {
        MarkDirty(Names.Answer(query, addresses));
        return _dirty.Count > 0;
    }

    /// <summary>Endpoints were checked. Says whether that changes anything.</summary>
    public bool Answer(IEnumerable<(HealthTarget Target, HealthStatus Status)> results)
    {
        foreach ((HealthTarget target, HealthStatus status) in results)
        {
            if (Health.Answer(target, status))
            {
                MarkDirty(target.Cluster);
            }
        }

        return _dirty.Count > 0;
    }

    /// <summary>How TLS is spoken with all that is checked; secrets by their ids, null for what has not come.</summary>
    public IReadOnlyDictionary<HealthTarget, HealthTls?> Checked(Func<string, Secret?> secretOf) =>
        Health.Targets(secretOf);

    /// <summary>The upstream of a cluster must be made again, and that of every aggregate that it is in, and its subsets.</summary>
    public void MarkDirty(string cluster)
    {
        if (cluster == Any)
        {
            MarkDirty(_clusters.Keys);
        }
        else if (_dirty.Add(cluster))
        {
            MarkDirty(_aggregates.Of(cluster));
            _dirty.UnionWith(_subsets.Of(cluster));
        }
    }

    /// <inheritdoc cref="MarkDirty(string)"/>
    public void MarkDirty(IEnumerable<string> clusters)
    {
        foreach (string cluster in clusters)
        {
            MarkDirty(cluster);
        }
    }

    /// <summary>Makes again what must be.</summary>
    public void Make()
    {
        while (_dirty.Count > 0)
        {
            string cluster = _dirty.Min!;
            try
            {
                if (SubsetName.Parse(cluster) is { Marks.Length: > 0 } subset)
                {
                    MakeSubset(cluster, subset.Cluster, subset.Marks);
                }
                else
                {
                    Make(cluster);
                }
            }
            catch (Exception e)
            {
                failed(cluster, e);
            }

            _dirty.Remove(cluster);
        }
    }

    // A cluster that no route names has no upstream: half of a mesh's clusters are subsets and ports that nobody uses, and
    // a control plane can forget to take one back (Istio does, in Delta).
    private void Make(string name)
    {
        bool used = isNamed(name) || isNamed(Any) || _aggregates.Any(name);
        ClusterModel? cluster = used ? _clusters.GetValueOrDefault(name) : null;
        MarkDirty(_aggregates.Replace(name, cluster?.Members ?? []));
        Names.Follow(name, cluster?.Lookup is { } lookup && Names.IsAnswered
            ? cluster.Inline.Groups.SelectMany(g => g.Endpoints).Where(e => e.IsNamed).Select(e => lookup with { Name = e.Host })
            : []);

        if (cluster?.Kind is ClusterKind.Eds or ClusterKind.Inline)
        {
            Health.Follow(cluster, SaidOf(cluster));
            Ejections.Follow(cluster, Health.Resolve(cluster, SaidOf(cluster)));
        }
        else
        {
            Health.Forget(name);
            Ejections.Forget(name);
        }

        var owner = new Owner(ObjectKind.Upstream, name, "");

        // Envoy serves on with the cluster as it was until the names of the new one have been looked up.
        if (cluster is null || Names.IsKnown(name) || !objects.Owns(owner))
        {
            objects.Set(owner, used && KindOf(name) != ClusterKind.OriginalDst ? ObjectsOf(name) : []);
        }
    }

    // Whoever names a subset names its cluster as well, so that names among its endpoints are looked up and how TLS is spoken
    // is said, and names no subset once the cluster is another.
    private void MakeSubset(string name, string cluster, string marks)
    {
        var owner = new Owner(ObjectKind.Upstream, cluster, marks);
        ClusterModel? model = isNamed(name) ? _clusters.GetValueOrDefault(cluster) : null;
        _subsets.Replace(name, model is null ? [] : [cluster]);
        if (model is null || Names.IsKnown(cluster) || !objects.Owns(owner))
        {
            objects.Set(owner, model is null ? [] : UpstreamTranslator.Subset(model, AssignmentOf(model), marks));
        }
    }

    // The upstream comes first.
    private IReadOnlyList<ApisixObject> ObjectsOf(string name)
    {
        if (!_clusters.TryGetValue(name, out ClusterModel? cluster))
        {
            return [UpstreamTranslator.Missing(name)];
        }

        return cluster.Kind == ClusterKind.Aggregate
            ? [AggregateTranslator.Translate(cluster, [.. MembersOf(cluster)])]
            : UpstreamTranslator.Translate(cluster, AssignmentOf(cluster));
    }

    private IEnumerable<(Upstream Upstream, Assignment Assignment)> MembersOf(ClusterModel aggregate) =>
        aggregate.Members
            .Where(member => _clusters.TryGetValue(member, out ClusterModel? model) && model.Kind is ClusterKind.Eds or ClusterKind.Inline)
            .Select(member => ((Upstream)ObjectsOf(member)[0], AssignmentOf(_clusters[member])));

    private Assignment AssignmentOf(ClusterModel cluster) => Ejections.Resolve(cluster, Health.Resolve(cluster, SaidOf(cluster)));

    // What the control plane says.
    private Assignment SaidOf(ClusterModel cluster) => cluster.Kind == ClusterKind.Eds
        ? _assignments.GetValueOrDefault(cluster.AssignmentName) ?? Assignment.None
        : Names.Resolve(cluster);
}
