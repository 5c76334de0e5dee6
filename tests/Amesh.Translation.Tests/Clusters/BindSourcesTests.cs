using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;

namespace Amesh.Translation.Tests.Clusters;

public class BindSourcesTests
{
    [Theory]
    [InlineData("127.0.0.6", "127.0.0.6")]
    [InlineData("::6", "::6")]
    [InlineData("0.0.0.0", null)]
    [InlineData("::", null)]
    [InlineData("", null)]
    public void An_address_of_the_clusters_own_is_kept(string said, string? kept)
    {
        var found = new List<Diagnostic>();
        Assert.Equal(kept, BindSources.Of(With(said), new DiagnosticScope("c", found)));
        Assert.Empty(found);
    }

    [Fact]
    public void What_is_no_address_is_told()
    {
        var found = new List<Diagnostic>();
        Assert.Null(BindSources.Of(With("here"), new DiagnosticScope("c", found)));
        Assert.Equal(Severity.Refused, Assert.Single(found).Severity);
    }

    [Fact]
    public void It_is_said_at_the_upstream_or_at_the_original_destination()
    {
        Cluster cluster = With("127.0.0.6");
        cluster.Type = Cluster.Types.DiscoveryType.Static;
        Assert.Equal("127.0.0.6", ClusterModel.From(cluster, new Amesh.Translation.Secrets.DataReader(), new DiagnosticScope("c", [])).BindSource);

        cluster.Type = Cluster.Types.DiscoveryType.OriginalDst;
        ClusterModel model = ClusterModel.From(cluster, new Amesh.Translation.Secrets.DataReader(), new DiagnosticScope("c", []));
        Assert.Null(model.BindSource);
        Assert.Equal("127.0.0.6", model.OriginalDst!.BindSource);
    }

    private static Cluster With(string source) => new()
    {
        Name = "c",
        UpstreamBindConfig = new BindConfig { SourceAddress = new SocketAddress { Address = source } },
    };
}
