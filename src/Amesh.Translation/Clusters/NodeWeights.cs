using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>
/// Envoy's priorities, localities, health and panic as one list of weighted nodes.
/// </summary>
/// <remarks>
/// <para>
/// Envoy first draws a priority by how healthy each is, then (under locality weighting) a locality, then an endpoint. The
/// product of the three shares is one weight, and health comes from EDS, so the weights can be worked out here. Source:
/// Envoy's documentation on priority levels, overprovisioning and locality weighted load balancing.
/// </para>
/// <para>APISIX's own <c>priority</c> of a node is another thing: it moves on only when every node before has failed.</para>
/// </remarks>
internal static class NodeWeights
{
    // Weights are rounded to this many parts where shares have to be worked out.
    private const double Scale = 1_000_000;

    /// <summary>The nodes of a cluster, in groups of endpoints that are connected to in one way; the weights of all groups are in one measure.</summary>
    public static IReadOnlyList<(T Key, IReadOnlyList<UpstreamNode> Nodes)> By<T>(ClusterModel cluster, Assignment assignment, Func<Endpoint, T> keyOf)
    {
        (List<Share> shares, bool asGiven) = Shares(cluster, assignment);
        return [.. shares.GroupBy(share => keyOf(share.Endpoint)).Select(group => (group.Key, Nodes(group, asGiven)))];
    }

    private static (List<Share> Shares, bool AsGiven) Shares(ClusterModel cluster, Assignment assignment)
    {
        uint[] priorities = Priorities(assignment);
        if (priorities.Length == 0)
        {
            return ([], false);
        }

        PriorityLoads.Load[] loads = PriorityLoads.Of(Capacities(assignment), cluster.PanicThreshold);
        var shares = new List<Share>();
        for (int i = 0; i < priorities.Length; i++)
        {
            if (loads[i].Panic && cluster.FailsOnPanic)
            {
                continue;
            }

            EndpointGroup[] localities = [.. assignment.Groups.Where(g => g.Priority == priorities[i])];
            AddPriority(shares, localities, loads[i], cluster.Balancing, assignment.Overprovisioning);
        }

        bool asGiven = !cluster.Balancing.LocalityWeighted && loads.Count(load => load.Total > 0) == 1 && loads.All(load => load.Healthy == 0 || load.Degraded == 0);
        return (shares, asGiven);
    }

    /// <summary>What each priority that has endpoints can take, in order.</summary>
    public static IReadOnlyList<PriorityLoads.Capacity> Capacities(Assignment assignment) => [.. Priorities(assignment).Select(priority =>
        PriorityLoads.Capacity.Of([.. assignment.Groups.Where(g => g.Priority == priority).SelectMany(g => g.Endpoints)], assignment))];

    private static uint[] Priorities(Assignment assignment) =>
        [.. assignment.Groups.Where(g => g.Endpoints.Length > 0).Select(g => g.Priority).Distinct().Order()];

    private static void AddPriority(
        List<Share> shares, EndpointGroup[] localities, PriorityLoads.Load load, BalancingPolicy balancing, double overprovisioning)
    {
        if (load.Panic)
        {
            // Only hashing keeps to localities in panic.
            AddEndpoints(shares, localities, load.Healthy, balancing.IsHash ? balancing : BalancingPolicy.RoundRobin, overprovisioning, null);
            return;
        }

        AddEndpoints(shares, localities, load.Healthy, balancing, overprovisioning, EndpointHealth.Healthy);
        AddEndpoints(shares, localities, load.Degraded, balancing, overprovisioning, EndpointHealth.Degraded);
    }

    // health: which endpoints count; null for all of them.
    private static void AddEndpoints(
        List<Share> shares, EndpointGroup[] localities, double load, BalancingPolicy balancing, double overprovisioning, EndpointHealth? health)
    {
        if (load <= 0)
        {
            return;
        }

        Endpoint[] Usable(EndpointGroup locality) => [.. locality.Endpoints.Where(e => health is null || e.Health == health)];
        double[] weights = [.. localities.Select(l =>
            l.Endpoints.Length == 0 ? 0 : (l.LocalityWeight ?? 0) * Math.Min(1, overprovisioning * Usable(l).Length / l.Endpoints.Length))];
        double sum = weights.Sum();

        // Envoy draws no locality where none that could serve has a weight; a hash has none to put into its ring then.
        if (!balancing.LocalityWeighted || (sum == 0 && !balancing.IsHash))
        {
            AddEndpoints(shares, [.. localities.SelectMany(Usable)], load);
            return;
        }

        for (int i = 0; i < localities.Length; i++)
        {
            if (weights[i] > 0)
            {
                AddEndpoints(shares, Usable(localities[i]), load * weights[i] / sum);
            }
        }
    }

    private static void AddEndpoints(List<Share> shares, Endpoint[] endpoints, double share)
    {
        double sum = endpoints.Sum(e => (double)e.Weight);
        foreach (Endpoint endpoint in endpoints)
        {
            shares.Add(new Share(endpoint, sum == 0 ? 0 : share * endpoint.Weight / sum));
        }
    }

    // The same address twice would be one node in APISIX: their shares are added. Sorted, so that the order in which a
    // control plane lists endpoints changes nothing.
    private static IReadOnlyList<UpstreamNode> Nodes(IEnumerable<Share> shares, bool asGiven) =>
        [.. shares
            .GroupBy(s => (s.Endpoint.Host, s.Endpoint.Port))
            .Select(g => new UpstreamNode(
                Schema.NodeHost(g.Key.Host),
                g.Key.Port,
                asGiven ? g.Sum(s => (long)s.Endpoint.Weight) : Math.Max(1, (long)Math.Round(g.Sum(s => s.Part) * Scale)))
            {
                Domain = g.Select(s => s.Endpoint.HostName).FirstOrDefault(name => name.Length > 0 && name != g.Key.Host),
            })
            .OrderBy(n => n.Host, StringComparer.Ordinal)
            .ThenBy(n => n.Port)];

    private readonly record struct Share(Endpoint Endpoint, double Part);
}
