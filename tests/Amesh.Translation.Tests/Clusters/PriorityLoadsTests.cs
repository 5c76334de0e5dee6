using Amesh.Translation.Clusters;
using static Amesh.Translation.Clusters.PriorityLoads;

namespace Amesh.Translation.Tests.Clusters;

/// <summary>The tables of Envoy's documentation on priority levels, degraded endpoints and the panic threshold.</summary>
public class PriorityLoadsTests
{
    [Theory]
    [InlineData(100, 100, 100, 0)]
    [InlineData(72, 72, 100, 0)]
    [InlineData(71, 71, 99, 1)]
    [InlineData(50, 50, 70, 30)]
    [InlineData(25, 100, 35, 65)]
    [InlineData(25, 25, 50, 50)]
    public void Two_priorities(int healthy0, int healthy1, int load0, int load1) =>
        Assert.Equal([load0, load1], Percent(Of([Level(healthy0), Level(healthy1)], panicThreshold: 0)));

    [Theory]
    [InlineData(100, 0, 100, 100, 0)]
    [InlineData(72, 0, 100, 100, 0)]
    [InlineData(71, 0, 71, 99, 1)]
    [InlineData(25, 65, 0, 100, 0)]
    [InlineData(5, 0, 95, 7, 93)]
    public void Degraded_endpoints_come_after_all_healthy_ones(int healthy0, int degraded0, int healthy1, int load0, int load1) =>
        Assert.Equal([load0, load1], Percent(Of([Level(healthy0, degraded0), Level(healthy1)], panicThreshold: 0)));

    [Theory]
    [InlineData(72, 72, false, false)]
    [InlineData(50, 60, false, false)]
    [InlineData(25, 100, false, false)]
    [InlineData(50, 0, false, true)]
    [InlineData(25, 25, true, true)]
    [InlineData(5, 65, true, false)]
    public void Panic_is_a_matter_of_each_priority_and_only_where_health_is_short(int healthy0, int healthy1, bool panic0, bool panic1) =>
        Assert.Equal([panic0, panic1], Of([Level(healthy0), Level(healthy1)], panicThreshold: 50).Select(load => load.Panic));

    [Fact]
    public void Who_is_degraded_is_no_reason_for_panic() =>
        Assert.False(Assert.Single(Of([Level(20, degraded: 40)], panicThreshold: 50)).Panic);

    [Fact]
    public void Panic_counts_endpoints_even_where_health_counts_weights()
    {
        Endpoint[] endpoints = [new("a", 80, 1), new("b", 80, 9, EndpointHealth.Unhealthy)];
        Assert.False(Assert.Single(Of([Capacity.Of(endpoints, Assignment.None with { WeightedHealth = true })], panicThreshold: 50)).Panic);
    }

    [Fact]
    public void In_panic_everywhere_priorities_share_by_their_size() =>
        Assert.Equal([75, 25], Percent(Of([Level(0) with { Endpoints = 30 }, Level(10) with { Endpoints = 10 }], panicThreshold: 50)));

    [Fact]
    public void Nobody_gets_anything_where_nobody_is_healthy_and_there_is_no_panic() =>
        Assert.Equal([0, 0], Percent(Of([Level(0), Level(0)], panicThreshold: 0)));

    [Fact]
    public void The_overprovisioning_factor_is_the_assignments() =>
        Assert.Equal([50, 50], Percent(Of([Level(50) with { Overprovisioning = 1 }, Level(100)], panicThreshold: 0)));

    [Fact]
    public void Health_may_count_by_weight()
    {
        Endpoint[] endpoints = [new("a", 80, 9), new("b", 80, 1, EndpointHealth.Unhealthy)];
        Assert.Equal(0.5, Capacity.Of(endpoints, Assignment.None).Healthy);
        Assert.Equal(0.9, Capacity.Of(endpoints, Assignment.None with { WeightedHealth = true }).Healthy);
    }

    private static Capacity Level(int healthy, int degraded = 0) => new(100, healthy / 100.0, degraded / 100.0, 1.4);

    private static int[] Percent(Load[] loads) => [.. loads.Select(load => (int)Math.Round(100 * load.Total))];
}
