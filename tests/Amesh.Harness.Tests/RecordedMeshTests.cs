using Amesh.Harness.Recordings;

namespace Amesh.Harness.Tests;

public class RecordedMeshTests
{
    [Theory]
    [InlineData("delta")]
    [InlineData("sotw")]
    public void StepsComeInTheRecordingsOrder(string protocol)
    {
        var mesh = RecordedMesh.Read(Repository.Sample("istio/bookinfo"), protocol);
        Assert.Equal(17, mesh.Steps.Count);
        Assert.Equal(("base", "all-removed"), (mesh.Steps[0].Name, mesh.Steps[^1].Name));
        Assert.Equal("one pod of reviews v2 is gone", mesh.Steps.Single(static step => step.Name == "scale-v2-to-2").About);
    }

    [Fact]
    public void AWeightedRouteSharesAmongItsClusters()
    {
        var split = RecordedMesh.Read(Repository.Sample("istio/bookinfo")).Steps.Single(static step => step.Name == "split-80-20");
        var target = split.State.Targets.First(static target => target.Shares.ContainsKey("127.0.4.1:9080"));
        Assert.Equal([new("127.0.3.1:9080", 0.8), new("127.0.4.1:9080", 0.2)], target.Shares);
    }

    [Fact]
    public void AnEmptiedClusterIsNoTarget()
    {
        var empty = RecordedMesh.Read(Repository.Sample("istio/bookinfo")).Steps.Single(static step => step.Name == "v2-empty");
        Assert.DoesNotContain(empty.State.Targets, static target => target.Shares.Keys.Any(static address => address.StartsWith("127.0.4.", StringComparison.Ordinal)));
        Assert.Contains("ClusterLoadAssignment/outbound|9080|v2|reviews.default.svc.cluster.local", empty.Set);
    }

    [Fact]
    public void EveryEndpointOfEveryStepIsAnAddress()
    {
        var addresses = RecordedMesh.Read(Repository.Sample("istio/bookinfo")).Addresses.ToList();
        Assert.Contains("127.0.4.3:9080", addresses);
        Assert.Contains("127.0.7.1:9090", addresses);
    }
}
