using Amesh.Translation.Clusters;

namespace Amesh.Translation.Tests.Clusters;

public class NodeWeightsTests
{
    private static readonly ClusterModel Plain = new("c", ClusterKind.Eds) { PanicThreshold = 0 };
    private static readonly ClusterModel ByLocality = Plain with { Balancing = new BalancingPolicy("roundrobin", LocalityWeighted: true) };

    [Fact]
    public void Weights_of_one_priority_are_as_they_were_given() =>
        Assert.Equal([("a", 3L), ("b", 1L)], Weigh(Plain, Group(0, null, ("a", 3, true), ("b", 1, true))));

    [Fact]
    public void Endpoints_that_are_not_healthy_get_nothing() =>
        Assert.Equal([("b", 1L)], Weigh(Plain, Group(0, null, ("a", 1, false), ("b", 1, true))));

    [Fact]
    public void No_healthy_endpoint_is_no_node_without_panic() =>
        Assert.Empty(Weigh(Plain, Group(0, null, ("a", 1, false))));

    [Fact]
    public void Under_panic_every_endpoint_counts() =>
        Assert.Equal(
            [("a", 1L), ("b", 1L), ("c", 1L)],
            Weigh(Plain with { PanicThreshold = 50 }, Group(0, null, ("a", 1, false), ("b", 1, false), ("c", 1, true))));

    [Fact]
    public void A_healthy_first_priority_takes_everything() =>
        Assert.Equal(["a"], Weigh(Plain, Group(0, null, ("a", 1, true)), Group(1, null, ("b", 1, true))).Select(n => n.Host));

    [Fact]
    public void A_priority_at_half_health_gives_up_what_overprovisioning_does_not_make_up_for() =>
        // 1.4 * 50% = 70% stay, 30% go on: Envoy's own example.
        Assert.Equal(
            [("a", 700_000L), ("c", 300_000L)],
            Weigh(Plain, Group(0, null, ("a", 1, true), ("b", 1, false)), Group(1, null, ("c", 1, true))));

    [Fact]
    public void Localities_share_by_their_weights() =>
        Assert.Equal(
            [("a", 400_000L), ("b", 400_000L), ("c", 200_000L)],
            Weigh(ByLocality, Group(0, 80, ("a", 1, true), ("b", 1, true)), Group(0, 20, ("c", 1, true))));

    [Fact]
    public void Who_has_a_share_however_small_gets_requests() =>
        Assert.Equal([("a", 1_000_000L), ("b", 1L)], Weigh(ByLocality, Group(0, 10_000_000, ("a", 1, true)), Group(0, 1, ("b", 1, true))));

    [Fact]
    public void A_locality_without_a_weight_gets_nothing_under_locality_weighting() =>
        Assert.Equal(["a"], Weigh(ByLocality, Group(0, 1, ("a", 1, true)), Group(0, null, ("b", 1, true))).Select(n => n.Host));

    [Fact]
    public void Where_no_locality_that_could_serve_has_a_weight_none_is_drawn()
    {
        Assert.Equal(["a", "b"], Weigh(ByLocality, Group(0, null, ("a", 1, true)), Group(0, 0, ("b", 1, true))).Select(n => n.Host));
        Assert.Equal(["b"], Weigh(ByLocality, Group(0, 1, ("a", 1, false)), Group(0, null, ("b", 1, true))).Select(n => n.Host));
    }

    [Fact]
    public void A_hash_has_no_endpoint_where_no_locality_has_a_weight() =>
        Assert.Empty(Weigh(Plain with { Balancing = new BalancingPolicy("amesh_hash", LocalityWeighted: true) }, Group(0, null, ("a", 1, true))));

    [Fact]
    public void The_order_of_arrival_changes_nothing() =>
        Assert.Equal(
            Weigh(Plain, Group(0, null, ("a", 1, true)), Group(0, null, ("b", 2, true))),
            Weigh(Plain, Group(0, null, ("b", 2, true)), Group(0, null, ("a", 1, true))));

    private static (string Host, long Weight)[] Weigh(ClusterModel cluster, params EndpointGroup[] groups) =>
        [.. NodeWeights.By(cluster, new Assignment(groups), _ => 0).SelectMany(group => group.Nodes).Select(node => (node.Host, node.Weight))];

    private static EndpointGroup Group(uint priority, uint? weight, params (string Host, uint Weight, bool Healthy)[] endpoints) =>
        new(priority, weight, [.. endpoints.Select(e => new Endpoint(e.Host, 80, e.Weight, e.Healthy ? EndpointHealth.Healthy : EndpointHealth.Unhealthy))]);
}
