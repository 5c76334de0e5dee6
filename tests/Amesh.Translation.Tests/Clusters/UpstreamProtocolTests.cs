using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Clusters;

public class UpstreamProtocolTests
{
    [Fact]
    public void Explicit_HTTP2_is_always_spoken() =>
        Assert.Equal("true", UpstreamProtocol.Of(With(new() { ExplicitHttpConfig = new() { Http2ProtocolOptions = new() } })));

    [Fact]
    public void A_cluster_that_follows_the_request_says_so() =>
        Assert.Equal("downstream", UpstreamProtocol.Of(With(new() { UseDownstreamProtocolConfig = new() { Http2ProtocolOptions = new() } })));

    [Fact]
    public void HTTP1_is_not_told()
    {
        Assert.Null(UpstreamProtocol.Of(new Cluster()));
        Assert.Null(UpstreamProtocol.Of(With(new() { ExplicitHttpConfig = new() { HttpProtocolOptions = new() } })));
        Assert.Null(UpstreamProtocol.Of(With(new() { AutoConfig = new() { Http2ProtocolOptions = new() } })));
    }

    [Fact]
    public void Fields_of_older_control_planes_count()
    {
        Assert.Equal("true", UpstreamProtocol.Of(new Cluster { Http2ProtocolOptions = new Http2ProtocolOptions() }));
        Assert.Equal("downstream", UpstreamProtocol.Of(new Cluster
        {
            Http2ProtocolOptions = new Http2ProtocolOptions(), ProtocolSelection = Cluster.Types.ClusterProtocolSelection.UseDownstreamProtocol,
        }));
    }

    private static Cluster With(Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions options)
    {
        var cluster = new Cluster();
        cluster.TypedExtensionProtocolOptions["any name"] = Any.Pack(options);
        return cluster;
    }
}
