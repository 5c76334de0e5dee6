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
    // Envoy's default overprovisioning factor: a priority with 72% of its endpoints healthy still takes everything.
    private const double Overprovisioning = 1.4;

    // Weights are rounded to this many parts where shares have to be worked out.
    private const double Scale = 1_000_000;

    public static IReadOnlyList<UpstreamNode> Of(ClusterModel cluster, IReadOnlyList<EndpointGroup> groups)
    {
        uint[] priorities = [.. groups.Where(g => g.Endpoints.Length > 0).Select(g => g.Priority).Distinct().Order()];
        if (priorities.Length == 0)
        {
            return [];
        }

        double[] loads = Loads(groups, priorities, cluster.PanicThreshold, out bool panic);
        var shares = new List<(Endpoint Endpoint, double Share)>();
        for (int i = 0; i < priorities.Length; i++)
        {
            if (loads[i] > 0)
            {
                AddPriority(shares, [.. groups.Where(g => g.Priority == priorities[i])], loads[i], cluster.LocalityWeighted, panic);
            }
        }

        bool asGiven = priorities.Length == 1 && !cluster.LocalityWeighted;
        return Nodes(shares, asGiven);
    }

    private static double[] Loads(IReadOnlyList<EndpointGroup> groups, uint[] priorities, double panicThreshold, out bool panic)
    {
        double[] health = new double[priorities.Length];
        int healthy = 0;
        int all = 0;
        for (int i = 0; i < priorities.Length; i++)
        {
            Endpoint[] endpoints = [.. groups.Where(g => g.Priority == priorities[i]).SelectMany(g => g.Endpoints)];
            int up = endpoints.Count(e => e.Healthy);
            health[i] = Math.Min(1, Overprovisioning * up / endpoints.Length);
            healthy += up;
            all += endpoints.Length;
        }

        // Below the threshold, and with no priority that could make up for it, Envoy takes every endpoint as healthy.
        double total = health.Sum();
        panic = total < 1 && 100.0 * healthy / all < panicThreshold;
        double[] loads = new double[priorities.Length];
        if (panic)
        {
            for (int i = 0; i < loads.Length; i++)
            {
                loads[i] = 1.0 * groups.Where(g => g.Priority == priorities[i]).Sum(g => g.Endpoints.Length) / all;
            }

            return loads;
        }

        double left = 1;
        double normalized = Math.Min(1, total);
        for (int i = 0; i < loads.Length && normalized > 0; i++)
        {
            loads[i] = Math.Min(left, health[i] / normalized);
            left -= loads[i];
        }

        return loads;
    }

    private static void AddPriority(
        List<(Endpoint Endpoint, double Share)> shares, EndpointGroup[] localities, double load, bool localityWeighted, bool panic)
    {
        if (!localityWeighted)
        {
            AddEndpoints(shares, [.. localities.SelectMany(l => l.Endpoints)], load, panic);
            return;
        }

        double[] weights = [.. localities.Select(l => LocalityShare(l, panic))];
        double sum = weights.Sum();
        for (int i = 0; i < localities.Length; i++)
        {
            if (weights[i] > 0)
            {
                AddEndpoints(shares, localities[i].Endpoints, load * weights[i] / sum, panic);
            }
        }
    }

    private static double LocalityShare(EndpointGroup locality, bool panic)
    {
        if (locality.Endpoints.Length == 0)
        {
            return 0;
        }

        double up = panic ? 1 : 1.0 * locality.Endpoints.Count(e => e.Healthy) / locality.Endpoints.Length;
        return (locality.LocalityWeight ?? 0) * Math.Min(1, Overprovisioning * up);
    }

    private static void AddEndpoints(List<(Endpoint Endpoint, double Share)> shares, Endpoint[] endpoints, double share, bool panic)
    {
        Endpoint[] usable = panic ? endpoints : [.. endpoints.Where(e => e.Healthy)];
        double sum = usable.Sum(e => (double)e.Weight);
        foreach (Endpoint endpoint in usable)
        {
            shares.Add((endpoint, sum == 0 ? 0 : share * endpoint.Weight / sum));
        }
    }

    // The same address twice would be one node in APISIX: their shares are added. Sorted, so that the order in which a
    // control plane lists endpoints changes nothing.
    private static List<UpstreamNode> Nodes(List<(Endpoint Endpoint, double Share)> shares, bool asGiven) =>
        [.. shares
            .GroupBy(s => (s.Endpoint.Host, s.Endpoint.Port))
            .Select(g => new UpstreamNode(
                Schema.NodeHost(g.Key.Host),
                g.Key.Port,
                asGiven ? g.Sum(s => (long)s.Endpoint.Weight) : Math.Max(1, (long)Math.Round(g.Sum(s => s.Share) * Scale))))
            .OrderBy(n => n.Host, StringComparer.Ordinal)
            .ThenBy(n => n.Port)];
}
