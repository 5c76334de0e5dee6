namespace Amesh.Translation.Clusters;

/// <summary>The share of requests that each priority gets, by Envoy's rules.</summary>
/// <remarks>
/// Source: Envoy's documentation on priority levels, degraded endpoints and panic threshold. A priority takes what its
/// healthy endpoints can take, up to the overprovisioning factor; what is left goes to the next one, then to degraded
/// endpoints in the same order. Where all that is not enough, a priority with too few healthy endpoints is in panic:
/// health no longer counts in it.
/// </remarks>
internal static class PriorityLoads
{
    /// <summary>What the endpoints of one priority can take.</summary>
    /// <param name="Endpoints">How many there are.</param>
    /// <param name="Healthy">The healthy ones' share, 0 to 1.</param>
    /// <param name="Degraded">The degraded ones' share, 0 to 1.</param>
    /// <param name="Overprovisioning">By how much they could take more.</param>
    internal readonly record struct Capacity(int Endpoints, double Healthy, double Degraded, double Overprovisioning)
    {
        /// <summary>The share that can take anything, by number even where health counts by weight: what panic goes by.</summary>
        public double Able { get; init; } = Healthy + Degraded;

        public static Capacity Of(IReadOnlyCollection<Endpoint> endpoints, Assignment assignment)
        {
            double Weigh(Endpoint endpoint) => assignment.WeightedHealth ? endpoint.Weight : 1;
            double all = endpoints.Sum(Weigh);
            double Share(EndpointHealth health) => all == 0 ? 0 : endpoints.Where(e => e.Health == health).Sum(Weigh) / all;
            return new Capacity(endpoints.Count, Share(EndpointHealth.Healthy), Share(EndpointHealth.Degraded), assignment.Overprovisioning)
            {
                Able = endpoints.Count == 0 ? 0 : (double)endpoints.Count(e => e.Health != EndpointHealth.Unhealthy) / endpoints.Count,
            };
        }
    }

    /// <summary>The shares of one priority; over all priorities they make 1, or 0 where nobody can take anything.</summary>
    /// <param name="Healthy">For its healthy endpoints; under panic for all of them.</param>
    /// <param name="Degraded">For its degraded endpoints.</param>
    /// <param name="Panic">Whether health no longer counts.</param>
    internal readonly record struct Load(double Healthy, double Degraded, bool Panic)
    {
        public double Total => Healthy + Degraded;
    }

    /// <summary>The shares of priorities that are given in order, each with at least one endpoint.</summary>
    public static Load[] Of(IReadOnlyList<Capacity> priorities, double panicThreshold)
    {
        double[] healthy = [.. priorities.Select(p => Math.Min(1, p.Overprovisioning * p.Healthy))];
        double[] degraded = [.. priorities.Select(p => Math.Min(1, p.Overprovisioning * p.Degraded))];
        double total = Math.Min(1, healthy.Sum() + degraded.Sum());
        bool[] panic = [.. priorities.Select(p => total < 1 && 100 * p.Able < panicThreshold)];
        var loads = new Load[priorities.Count];
        if (panic.All(p => p))
        {
            double endpoints = priorities.Sum(p => p.Endpoints);
            return [.. priorities.Select(p => new Load(p.Endpoints / endpoints, 0, true))];
        }

        double left = total == 0 ? 0 : 1;
        for (int i = 0; i < loads.Length; i++)
        {
            double share = left == 0 ? 0 : Math.Min(left, healthy[i] / total);
            loads[i] = new Load(share, 0, panic[i]);
            left -= share;
        }

        for (int i = 0; i < loads.Length && left > 0; i++)
        {
            double share = Math.Min(left, degraded[i] / total);
            loads[i] = loads[i] with { Degraded = share };
            left -= share;
        }

        return loads;
    }
}
