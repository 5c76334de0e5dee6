using Amesh.Apisix;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Extensions.Clusters.Aggregate.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class AggregateTests : IDisposable
{
    private readonly KeepingSink _sink = new();
    private readonly Pipeline _pipeline;

    public AggregateTests()
    {
        _pipeline = new Pipeline(_sink);
        Set(TypeUrls.Cluster, "near", new Cluster { Name = "near", Type = Cluster.Types.DiscoveryType.Eds });
        Set(TypeUrls.Cluster, "far", new Cluster { Name = "far", Type = Cluster.Types.DiscoveryType.Eds });
        Set(TypeUrls.Cluster, "all", Aggregate("near", "absent", "far"));
        Set(TypeUrls.ClusterLoadAssignment, "near", Endpoints("near", HealthStatus.Healthy, HealthStatus.Healthy));
        Set(TypeUrls.ClusterLoadAssignment, "far", Endpoints("far", HealthStatus.Healthy));
        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "all"));
        _pipeline.Quiet();
        _sink.Take();
    }

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public void A_healthy_first_cluster_takes_everything_and_the_members_have_upstreams()
    {
        Assert.Equal($"{ObjectId.From("near")}=1000000,{ObjectId.From("far")}=0", Groups());
        Assert.Contains(Key("near"), _sink.Held.Keys);
        Assert.Contains(Key("far"), _sink.Held.Keys);
    }

    [Fact]
    public void The_next_cluster_gets_what_the_first_one_cannot_take()
    {
        Set(TypeUrls.ClusterLoadAssignment, "near", Endpoints("near", HealthStatus.Healthy, HealthStatus.Unhealthy));
        _pipeline.Quiet();

        Assert.Equal($"{ObjectId.From("near")}=700000,{ObjectId.From("far")}=300000", Groups());
        Assert.Equal([Key("all"), Key("near")], Assert.Single(_sink.Take()).Set.Select(o => o.Key.ToString()));
    }

    [Fact]
    public void Without_endpoints_in_the_first_cluster_the_next_one_takes_everything()
    {
        Set(TypeUrls.ClusterLoadAssignment, "near", Endpoints("near"));
        _pipeline.Quiet();

        Assert.Equal($"{ObjectId.From("far")}=1000000", Groups());
    }

    [Fact]
    public void Members_go_with_the_aggregate_that_named_them()
    {
        Set(TypeUrls.Cluster, "all", Aggregate("far"));
        _pipeline.Quiet();
        Assert.DoesNotContain(Key("near"), _sink.Held.Keys);

        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "near"));
        _pipeline.Quiet();
        Assert.Equal([Key("near")], _sink.Held.Keys.Where(key => key.StartsWith("/upstreams/", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_aggregate_of_itself_is_an_upstream_without_endpoints()
    {
        Set(TypeUrls.Cluster, "all", Aggregate("all"));
        _pipeline.Quiet();

        Assert.Contains("\"nodes\":[]", _sink.Held[Key("all")], StringComparison.Ordinal);
    }

    private string? Groups() =>
        (string?)System.Text.Json.Nodes.JsonNode.Parse(_sink.Held[Key("all")])!["labels"]?["amesh_groups"];

    private static string Key(string cluster) => $"/upstreams/{ObjectId.From(cluster)}";

    private static Cluster Aggregate(params string[] members) => new()
    {
        Name = "all",
        ClusterType = new Cluster.Types.CustomClusterType { Name = "envoy.clusters.aggregate", TypedConfig = Any.Pack(new ClusterConfig { Clusters = { members } }) },
        LbPolicy = Cluster.Types.LbPolicy.ClusterProvided,
    };

    private static ClusterLoadAssignment Endpoints(string name, params HealthStatus[] endpoints) => new()
    {
        ClusterName = name,
        Endpoints =
        {
            new LocalityLbEndpoints
            {
                LbEndpoints =
                {
                    endpoints.Select((health, i) => new LbEndpoint
                    {
                        HealthStatus = health,
                        Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = $"10.0.{name.Length}.{i + 1}", PortValue = 80 } } },
                    }),
                },
            },
        },
    };

    private void Set(string typeUrl, string name, IMessage message) =>
        Assert.Empty(_pipeline.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));
}
