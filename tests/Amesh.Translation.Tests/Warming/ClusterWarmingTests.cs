using Amesh.Xds;
using static Amesh.Translation.Tests.Warming.WarmingMesh;

namespace Amesh.Translation.Tests.Warming;

/// <summary>A cluster stays as it is until the endpoints of its newest version have come.</summary>
public class ClusterWarmingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_changed_cluster_keeps_its_endpoints_until_the_new_ones_have_come(bool isDelta)
    {
        using var mesh = new WarmingMesh(isDelta);
        mesh.Set("c", EdsCluster("c", "new", connectTimeout: 3));
        mesh.Quiet();

        Assert.Empty(mesh.Sink.Take());
        Assert.Contains("10.0.0.1", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Equal(["cluster c: endpoints of new"], mesh.Waiting);

        // The endpoints in service change all the while.
        mesh.Set("c", Endpoints("c", "10.0.0.2"));
        mesh.Quiet();
        Assert.Contains("10.0.0.2", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Contains("\"connect\":1", mesh.Upstreams, StringComparison.Ordinal);

        mesh.Sink.Take();
        mesh.Set("new", Endpoints("new", "10.0.0.3"));
        mesh.Quiet();

        Assert.Single(mesh.Sink.Take());
        Assert.Contains("10.0.0.3", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Equal(["new"], mesh.Pipeline.Wanted(TypeUrls.ClusterLoadAssignment));
    }

    [Fact]
    public void Endpoints_that_are_there_are_not_waited_for()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("c", EdsCluster("c", connectTimeout: 3));
        mesh.Quiet();

        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cluster_that_is_removed_while_it_warms_leaves_nothing(bool isDelta)
    {
        using var mesh = new WarmingMesh(isDelta);
        mesh.Set("c", EdsCluster("c", "new"));
        mesh.Set("d", EdsCluster("d"));
        mesh.Quiet();
        mesh.Remove(TypeUrls.Cluster, "c");
        mesh.Remove(TypeUrls.Cluster, "d");
        mesh.Quiet();

        Assert.Contains("\"nodes\":[]", mesh.Upstreams, StringComparison.Ordinal);
        Assert.DoesNotContain("10.0.0.1", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Empty(mesh.Waiting);
        Assert.Empty(mesh.Pipeline.Wanted(TypeUrls.ClusterLoadAssignment));
    }

    [Fact]
    public void After_its_time_a_cluster_goes_into_service_without_endpoints_and_a_newer_one_waits_again()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("c", EdsCluster("c", "new"));
        mesh.Quiet();
        mesh.Time.Pass(15.1);
        Assert.Contains("\"nodes\":[]", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Equal(["cluster c: endpoints of new"], mesh.Incomplete);

        mesh.Set("c", EdsCluster("c", "new", connectTimeout: 3));
        mesh.Quiet();
        Assert.DoesNotContain("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
        mesh.Time.Pass(15.1);
        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_cluster_asks_anew_and_its_time_begins_anew()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("c", EdsCluster("c", "new"));
        mesh.Quiet();
        mesh.Time.Pass(10);
        mesh.Set("c", EdsCluster("c", "new", connectTimeout: 3));
        mesh.Quiet();
        mesh.Time.Pass(10);
        Assert.Contains("10.0.0.1", mesh.Upstreams, StringComparison.Ordinal);

        mesh.Time.Pass(5.1);
        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
    }

    [Fact]
    public void That_there_are_no_such_endpoints_is_an_answer()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("c", EdsCluster("c", "new", timeout: 0, connectTimeout: 3));
        mesh.Quiet();
        mesh.Remove(TypeUrls.ClusterLoadAssignment, "new");
        mesh.Quiet();

        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Contains("\"nodes\":[]", mesh.Upstreams, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_cluster_is_not_there_until_its_endpoints_have_come()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("d", EdsCluster("d", connectTimeout: 3));
        mesh.Set("rc", RoutesTo("rc", "c", "d"));
        mesh.Quiet();
        Assert.DoesNotContain("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);

        mesh.Set("d", Endpoints("d", "10.0.0.4"));
        mesh.Quiet();
        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Contains("10.0.0.4", mesh.Upstreams, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_asked_for_at_the_end_takes_everything_as_it_is()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("c", EdsCluster("c", "new", timeout: 0, connectTimeout: 3));
        mesh.Quiet();
        mesh.Pipeline.TakeAsItIs();

        Assert.Contains("\"connect\":3", mesh.Upstreams, StringComparison.Ordinal);
        Assert.Empty(mesh.Waiting);
    }
}
