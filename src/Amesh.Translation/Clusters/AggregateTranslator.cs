using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>A cluster of clusters as an APISIX upstream that stands for others.</summary>
/// <remarks>
/// Envoy lines up the priorities of all members and draws one by health, then lets that member choose the endpoint, with
/// the member's own TLS, timeouts and limits. So there is no list of nodes that would say it: a label names the members'
/// upstreams and their shares, and a request takes one of them.
/// </remarks>
internal static class AggregateTranslator
{
    private const double Scale = 1_000_000;

    /// <param name="aggregate">The cluster of clusters.</param>
    /// <param name="members">Those of its members that are there, in order, with what their upstreams are made from.</param>
    public static Upstream Translate(ClusterModel aggregate, IReadOnlyList<(Upstream Upstream, Assignment Assignment)> members)
    {
        double[] shares = SharesOf(aggregate, members);
        Upstream? foremost = members.Count == 0 ? null : members[Array.IndexOf(shares, shares.Max())].Upstream;

        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        ClusterGroups.Write(Groups(members, shares), labels);

        // What does not know the label has at least the endpoints that most requests go to.
        return new Upstream
        {
            Id = Names.UpstreamId(aggregate.Name),
            Name = Names.Readable(aggregate.Name),
            Type = foremost?.Type ?? "roundrobin",
            Nodes = shares.Sum() == 0 ? [] : foremost!.Nodes,
            Timeout = foremost?.Timeout,
            PassHost = "pass",
            Scheme = foremost?.Scheme ?? "http",
            Labels = labels.Count == 0 ? null : labels,
        };
    }

    private static double[] SharesOf(ClusterModel aggregate, IReadOnlyList<(Upstream Upstream, Assignment Assignment)> members)
    {
        double[] shares = new double[members.Count];
        var owners = new List<int>();
        var capacities = new List<PriorityLoads.Capacity>();
        for (int i = 0; i < members.Count; i++)
        {
            foreach (PriorityLoads.Capacity capacity in NodeWeights.Capacities(members[i].Assignment))
            {
                owners.Add(i);
                capacities.Add(capacity);
            }
        }

        PriorityLoads.Load[] loads = capacities.Count == 0 ? [] : PriorityLoads.Of(capacities, aggregate.PanicThreshold);
        for (int i = 0; i < loads.Length; i++)
        {
            shares[owners[i]] += loads[i].Total;
        }

        return shares;
    }

    // A member without a share stays in the list: what endpoints do may yet push requests on to it.
    private static IEnumerable<(string Id, long Weight)> Groups(IReadOnlyList<(Upstream Upstream, Assignment Assignment)> members, double[] shares) =>
        members.SelectMany((member, i) => member.Upstream.Nodes.Count == 0
            ? []
            : ClusterGroups.Of(member.Upstream).Select(group => (group.Id, (long)Math.Round(group.Share * shares[i] * Scale))));
}
