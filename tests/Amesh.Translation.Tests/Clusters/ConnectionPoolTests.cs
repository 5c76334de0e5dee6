using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Google.Protobuf.WellKnownTypes;
using EnvoyHttpOptions = Envoy.Config.Core.V3.HttpProtocolOptions;

namespace Amesh.Translation.Tests.Clusters;

public class ConnectionPoolTests
{
    [Fact]
    public void Nothing_is_said_of_connections_where_the_cluster_says_nothing() => Assert.Null(ConnectionPool.Of(new Cluster()));

    [Fact]
    public void The_old_field_counts_where_the_new_one_is_not_there()
    {
        Assert.Equal(new KeepalivePool(320, 60, 1), ConnectionPool.Of(new Cluster { MaxRequestsPerConnection = 1 }));
        Cluster both = With(new EnvoyHttpOptions { MaxRequestsPerConnection = 7 });
        both.MaxRequestsPerConnection = 1;
        Assert.Equal(new KeepalivePool(320, 60, 7), ConnectionPool.Of(both));
    }

    [Fact]
    public void Idle_times_are_carried_and_zero_is_no_limit()
    {
        Assert.Equal(new KeepalivePool(320, 2.5, 1000), ConnectionPool.Of(With(new EnvoyHttpOptions { IdleTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(2.5)) })));
        Assert.Equal(
            new KeepalivePool(320, 86400, int.MaxValue),
            ConnectionPool.Of(With(new EnvoyHttpOptions { IdleTimeout = new Duration(), MaxRequestsPerConnection = 0 })));
    }

    private static Cluster With(EnvoyHttpOptions common) => new()
    {
        TypedExtensionProtocolOptions = { ["x"] = Any.Pack(new HttpProtocolOptions { CommonHttpProtocolOptions = common }) },
    };
}
