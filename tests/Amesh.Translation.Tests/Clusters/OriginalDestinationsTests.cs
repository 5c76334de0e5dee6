using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;

namespace Amesh.Translation.Tests.Clusters;

public class OriginalDestinationsTests
{
    private readonly List<Diagnostic> _told = [];

    [Fact]
    public void What_is_usual_is_not_said()
    {
        Assert.Null(Of(new Cluster { Type = Cluster.Types.DiscoveryType.OriginalDst }, 10));
        Assert.Null(Of(new Cluster { Type = Cluster.Types.DiscoveryType.Eds }, 1));
    }

    [Fact]
    public void A_header_a_port_and_the_time_to_connect_are_carried()
    {
        Assert.Equal(new OriginalDestination { Header = "x-envoy-original-dst-host", ConnectTimeout = 3 }, Of(With(new() { UseHttpHeader = true }), 3));
        Assert.Equal(
            new OriginalDestination { Header = "x-to", Port = 8443 },
            Of(With(new() { UseHttpHeader = true, HttpHeaderName = "x-to", UpstreamPortOverride = 8443 }), 10));
        Assert.Empty(_told);
    }

    [Fact]
    public void Its_circuit_breakers_are_carried_with_what_they_count_under()
    {
        Cluster cluster = With(new());
        cluster.Name = "c";
        cluster.CircuitBreakers = new CircuitBreakers { Thresholds = { new CircuitBreakers.Types.Thresholds { MaxConnections = 5 } } };
        OriginalDestination? said = Of(cluster, 10);
        Assert.Contains("\"max_connections\":5", said?.CircuitBreaker, StringComparison.Ordinal);
        Assert.Equal(ObjectId.From("c"), said?.Cluster);
    }

    [Fact]
    public void A_port_that_is_none_is_told()
    {
        Assert.Null(Of(With(new() { UpstreamPortOverride = 0 }), 10));
        Assert.Single(_told);
    }

    private OriginalDestination? Of(Cluster cluster, double connectTimeout) =>
        OriginalDestinations.Of(cluster, connectTimeout, new DiagnosticScope("cluster c", _told));

    private static Cluster With(Cluster.Types.OriginalDstLbConfig config) => new() { Type = Cluster.Types.DiscoveryType.OriginalDst, OriginalDstLbConfig = config };
}
