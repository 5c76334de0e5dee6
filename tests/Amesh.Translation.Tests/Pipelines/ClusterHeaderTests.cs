using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class ClusterHeaderTests
{
    [Fact]
    public void Where_requests_name_their_cluster_every_cluster_is_there()
    {
        var sink = new KeepingSink();
        using var pipeline = new Pipeline(sink);
        void Set(string typeUrl, string name, IMessage message)
        {
            Assert.Empty(pipeline.Apply(new(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));
            pipeline.Quiet();
        }

        string[] Upstreams() => [.. sink.Held.Keys.Where(key => key.StartsWith("/upstreams/", StringComparison.Ordinal))];
        Set(TypeUrls.Cluster, "a", new Cluster { Name = "a" });
        Set(TypeUrls.Cluster, "b", new Cluster { Name = "b" });
        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "a"));
        Assert.Single(Upstreams());

        RouteConfiguration named = PipelineTests.Routes("rc", "a", "x");
        named.VirtualHosts[0].Routes[1].Route_ = new RouteAction { ClusterHeader = "x-to" };
        Set(TypeUrls.RouteConfiguration, "rc", named);
        Assert.Equal(2, Upstreams().Length);
        Set(TypeUrls.Cluster, "c", new Cluster { Name = "c" });
        Assert.Equal(3, Upstreams().Length);

        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "a"));
        Assert.Single(Upstreams());
    }
}
