using System.Globalization;
using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>A cluster and its endpoints as an APISIX upstream.</summary>
internal static class UpstreamTranslator
{
    /// <summary>The label of an upstream that answers some requests with 503 for nothing, in parts per million.</summary>
    public const string DropLabel = "amesh_drop";

    /// <summary>The label of an upstream that is a part of a cluster: the cluster's upstream, whose circuit breakers count its requests.</summary>
    public const string ClusterLabel = "amesh_cluster";

    /// <summary>The label of an upstream whose endpoints' health is followed here: the id of the cluster's own upstream, for followed.lua.</summary>
    public const string HealthLabel = "amesh_health";

    /// <summary>The label beside it and outlier detection: how many endpoints there are, nodes or not.</summary>
    public const string EndpointsLabel = "amesh_endpoints";

    /// <summary>
    /// What a cluster that has come comes to: its upstream first; where its endpoints are connected to in several ways one
    /// for each of the others; and how TLS is spoken.
    /// </summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="assignment">Its endpoints; none where its assignment has not come or is empty, which is 503.</param>
    public static IReadOnlyList<ApisixObject> Translate(ClusterModel cluster, Assignment assignment)
    {
        var objects = new List<ApisixObject>(UpstreamsOf(cluster, cluster.Subsets?.Choose(assignment, "") ?? assignment));

        // Several host names may go by one context, and several sockets by one secret.
        (UpstreamTls? Tls, string HostName)[] all = [.. HostsOf(cluster, assignment)];
        objects.AddRange(all.Select(host => host.Tls?.For(host.HostName)).OfType<TlsContext>().DistinctBy(context => context.Id));
        objects.AddRange(all.SelectMany(host => host.Tls?.Inline ?? []).DistinctBy(secret => secret.Id));
        return objects;
    }

    // The TLS that upstreams of the cluster name. One that gets no requests as the cluster is may get some in a subset.
    private static IEnumerable<(UpstreamTls? Tls, string HostName)> HostsOf(ClusterModel cluster, Assignment assignment) =>
        cluster.Subsets is null
            ? WaysOf(cluster, assignment).Select(way => (way.Socket.Tls, way.HostName))
            : assignment.Groups.SelectMany(group => group.Endpoints)
                .Select(endpoint => KeyOf(cluster, endpoint))
                .Select(key => (cluster.Sockets.All[key.Socket].Tls, key.HostName))
                .Append((cluster.Sockets.All[^1].Tls, ""))
                .Distinct();

    /// <summary>The upstreams of a subset; how TLS is spoken is said beside the cluster's own.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="assignment">All its endpoints.</param>
    /// <param name="marks">The <see cref="LbMarks"/> that are asked for.</param>
    public static IReadOnlyList<Upstream> Subset(ClusterModel cluster, Assignment assignment, string marks) => UpstreamsOf(
        cluster with { Name = SubsetName.Of(cluster.Name, marks) }, cluster.Subsets?.Choose(assignment, marks) ?? assignment);

    private static IReadOnlyList<Upstream> UpstreamsOf(ClusterModel cluster, Assignment assignment)
    {
        List<Way> ways = WaysOf(cluster, assignment);
        List<(string Id, long Weight)> groups = ways.Count == 1 ? [] : [.. ways.Select(way => (way.Id, way.Nodes.Sum(node => node.Weight)))];
        return [.. ways.Select((way, i) => UpstreamOf(cluster, assignment, way, i == 0 ? groups : []))];
    }

    /// <summary>
    /// What stands for a cluster that routes name and that is not there: Envoy keeps such a route and answers 503, while
    /// APISIX would answer 502 for an upstream that does not exist.
    /// </summary>
    public static Upstream Missing(string cluster) => new()
    {
        Id = Names.UpstreamId(cluster),
        Name = Names.Readable(cluster),
        Type = "roundrobin",
        Nodes = [],
    };

    private static Upstream UpstreamOf(ClusterModel cluster, Assignment assignment, Way way, IReadOnlyList<(string Id, long Weight)> groups) => new()
    {
        Id = way.Id,
        Name = Names.Readable(SubsetName.Readable(cluster.Name)),
        Type = cluster.Balancing.Type,
        Nodes = way.Socket.IsRefused ? [] : way.Nodes,
        Timeout = new UpstreamTimeout(cluster.ConnectTimeout, Durations.Unlimited, Durations.Unlimited),
        KeepalivePool = cluster.Pool,
        PassHost = "pass",
        Scheme = way.Socket.IsPlain ? "http" : "https",
        Labels = Labels(cluster, assignment, way, groups),
    };

    // The first one has the cluster's own id. A cluster without endpoints has one way all the same.
    private static List<Way> WaysOf(ClusterModel cluster, Assignment assignment)
    {
        TransportSockets sockets = cluster.Sockets;
        var ways = new List<Way>();
        foreach (((int Socket, string HostName) key, IReadOnlyList<UpstreamNode> nodes) in NodeWeights.By(cluster, assignment, endpoint => KeyOf(cluster, endpoint))
            .OrderBy(group => group.Key.Socket).ThenBy(group => group.Key.HostName, StringComparer.Ordinal))
        {
            UpstreamSocket socket = sockets.All[key.Socket];
            string id = ways.Count == 0 ? Names.UpstreamId(cluster.Name) : ObjectId.HashOf($"{cluster.Name} {socket.Name} {key.HostName}");
            ways.Add(new Way(id, socket, key.HostName, nodes));
        }

        return ways.Count > 0 ? ways : [new Way(Names.UpstreamId(cluster.Name), sockets.All[^1], "", [])];
    }

    private static (int Socket, string HostName) KeyOf(ClusterModel cluster, Endpoint endpoint)
    {
        int socket = cluster.Sockets.IndexFor(endpoint);
        return (socket, cluster.Sockets.All[socket].Tls?.HostSni == true ? endpoint.HostName : "");
    }

    private static SortedDictionary<string, string>? Labels(ClusterModel cluster, Assignment assignment, Way way, IReadOnlyList<(string Id, long Weight)> groups)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        void Set(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                labels[name] = value;
            }
        }

        Set(BalancingPolicy.Label, cluster.Balancing.Settings);
        Set(BindSources.Label, cluster.BindSource);
        Set(CircuitBreakerLimits.Label, cluster.CircuitBreakers);
        Set(ClusterLabel, cluster.CircuitBreakers is not null && Names.UpstreamId(SubsetName.Parse(cluster.Name).Cluster) is var whole && whole != way.Id ? whole : null);
        bool followsEjections = EjectionTable.Matters(cluster, assignment);
        Set(HealthLabel, cluster.Checking is null && !followsEjections ? null : Names.UpstreamId(SubsetName.Parse(cluster.Name).Cluster));
        Set(EndpointsLabel, followsEjections ? assignment.Groups.Sum(group => group.Endpoints.Length).ToString(CultureInfo.InvariantCulture) : null);
        Set(DropLabel, assignment.Dropped == 0 ? null : assignment.Dropped.ToString(CultureInfo.InvariantCulture));
        Set(OutlierEjection.Label, cluster.OutlierEjection);
        Set(UpstreamTls.Label, way.Context?.Id);
        ClusterGroups.Write(groups, labels);
        Set(UpstreamProtocol.Label, cluster.Http2);
        return labels.Count == 0 ? null : labels;
    }

    /// <summary>Endpoints that are connected to in one way.</summary>
    private sealed record Way(string Id, UpstreamSocket Socket, string HostName, IReadOnlyList<UpstreamNode> Nodes)
    {
        /// <summary>How TLS is spoken with them.</summary>
        public TlsContext? Context => Socket.Tls?.For(HostName);
    }
}
