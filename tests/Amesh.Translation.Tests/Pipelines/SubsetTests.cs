using Amesh.Apisix;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using TransportSocket = Envoy.Config.Core.V3.TransportSocket;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class SubsetTests : IDisposable
{
    private readonly KeepingSink _sink = new();
    private readonly Pipeline _pipeline;

    public SubsetTests()
    {
        _pipeline = new Pipeline(_sink);
        Set(TypeUrls.Cluster, "c", ClusterOf("version"));
        Set(TypeUrls.ClusterLoadAssignment, "c", Endpoints("v1", "v2", "v2"));
        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.RouteConfiguration, "rc", Routes("v2"));
        _pipeline.Quiet();
        _sink.Take();
    }

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public void A_route_names_the_upstream_of_the_endpoints_that_it_asks_for()
    {
        Assert.Equal(["10.0.0.2", "10.0.0.3"], Nodes("c version=v2"));
        Assert.Empty(Nodes("c"));
        Assert.Contains($"\"upstream_id\":\"{ObjectId.From("c version=v2")}\"", Route(), StringComparison.Ordinal);
    }

    [Fact]
    public void Endpoints_touch_the_upstreams_of_their_cluster_alone()
    {
        Set(TypeUrls.ClusterLoadAssignment, "c", Endpoints("v2"));
        _pipeline.Quiet();

        Assert.Equal(["10.0.0.1"], Nodes("c version=v2"));
        Assert.Equal([Key("c version=v2")], Assert.Single(_sink.Take()).Set.Select(o => o.Key.ToString()));
    }

    [Fact]
    public void Subsets_come_and_go_with_the_routes_that_name_them()
    {
        Set(TypeUrls.RouteConfiguration, "rc", Routes("v1"));
        _pipeline.Quiet();
        Assert.Equal([Key("c"), Key("c version=v1")], Upstreams());

        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c"));
        _pipeline.Quiet();
        Assert.Equal([Key("c")], Upstreams());

        Set(TypeUrls.ClusterLoadAssignment, "c", Endpoints("v1"));
        _pipeline.Quiet();
        Assert.Equal([Key("c")], Upstreams());
    }

    [Fact]
    public void A_cluster_that_no_longer_knows_the_key_is_named_itself()
    {
        Set(TypeUrls.Cluster, "c", ClusterOf("stage"));
        _pipeline.Quiet();
        Assert.Equal([Key("c")], Upstreams());
        Assert.Contains($"\"upstream_id\":\"{ObjectId.From("c")}\"", Route(), StringComparison.Ordinal);

        Set(TypeUrls.Cluster, "c", ClusterOf("version"));
        _pipeline.Quiet();
        Assert.Equal(["10.0.0.2", "10.0.0.3"], Nodes("c version=v2"));
    }

    [Fact]
    public void How_TLS_is_spoken_stays_when_a_subset_goes()
    {
        Cluster cluster = ClusterOf("version");
        cluster.TransportSocket = new TransportSocket { Name = "tls", TypedConfig = Any.Pack(new UpstreamTlsContext { Sni = "s", AutoHostSni = true }) };
        cluster.CircuitBreakers = new CircuitBreakers { Thresholds = { new CircuitBreakers.Types.Thresholds { MaxRequests = 5 } } };
        ClusterLoadAssignment endpoints = Endpoints("v1", "v2");
        endpoints.Endpoints.Add(new LocalityLbEndpoints { Priority = 1, LbEndpoints = { endpoints.Endpoints[0].LbEndpoints[1] } });
        endpoints.Endpoints[0].LbEndpoints.RemoveAt(1);
        endpoints.Endpoints[1].LbEndpoints[0].Endpoint.Hostname = "host";
        Set(TypeUrls.Cluster, "c", cluster);
        Set(TypeUrls.ClusterLoadAssignment, "c", endpoints);
        _pipeline.Quiet();
        Assert.Equal(["10.0.0.2"], Nodes("c version=v2"));
        string context = Label("c version=v2", "amesh_tls")!;
        Assert.Contains("\"sni\":\"host\"", _sink.Held[$"/tls_contexts/{context}"], StringComparison.Ordinal);
        Assert.Equal(ObjectId.From("c"), Label("c version=v2", "amesh_cluster"));
        Assert.Null(Label("c", "amesh_cluster"));

        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c"));
        _pipeline.Quiet();
        Assert.Contains($"/tls_contexts/{context}", _sink.Held.Keys);
    }

    [Fact]
    public void Connections_ask_for_endpoints_as_requests_do()
    {
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c"));
        Envoy.Config.Listener.V3.Listener listener = PipelineTests.ListenerFor("rc");
        listener.FilterChains[0].Filters[0].TypedConfig = Any.Pack(new TcpProxy { StatPrefix = "x", Cluster = "c", MetadataMatch = Match("v1") });
        Set(TypeUrls.Listener, "l", listener);
        _pipeline.Quiet();
        Assert.Equal(["10.0.0.1"], Nodes("c version=v1"));
        Assert.Contains(ObjectId.From("c version=v1"), _sink.Held.Single(o => o.Key.StartsWith("/stream_routes/", StringComparison.Ordinal)).Value, StringComparison.Ordinal);

        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c"));
        _pipeline.Quiet();
        Assert.DoesNotContain(Key("c version=v1"), _sink.Held.Keys);
    }

    private string[] Upstreams() => [.. _sink.Held.Keys.Where(key => key.StartsWith("/upstreams/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private string Route() => _sink.Held.Single(o => o.Key.StartsWith("/routes/", StringComparison.Ordinal)).Value;

    private string[] Nodes(string name) =>
        [.. System.Text.Json.Nodes.JsonNode.Parse(_sink.Held[Key(name)])!["nodes"]!.AsArray().Select(node => (string)node!["host"]!)];

    private string? Label(string name, string label) => (string?)System.Text.Json.Nodes.JsonNode.Parse(_sink.Held[Key(name)])!["labels"]?[label];

    private static string Key(string name) => $"/upstreams/{ObjectId.From(name)}";

    private static Metadata Match(string version) =>
        new() { FilterMetadata = { ["envoy.lb"] = new Struct { Fields = { ["version"] = Value.ForString(version) } } } };

    private static RouteConfiguration Routes(string version)
    {
        RouteConfiguration routes = PipelineTests.Routes("rc", "c");
        routes.VirtualHosts[0].Routes[0].Route_.MetadataMatch = Match(version);
        return routes;
    }

    private static Cluster ClusterOf(string key) => new()
    {
        Name = "c",
        Type = Cluster.Types.DiscoveryType.Eds,
        LbSubsetConfig = new() { SubsetSelectors = { new Cluster.Types.LbSubsetConfig.Types.LbSubsetSelector { Keys = { key } } } },
    };

    private static ClusterLoadAssignment Endpoints(params string[] versions) => new()
    {
        ClusterName = "c",
        Endpoints =
        {
            new LocalityLbEndpoints
            {
                LbEndpoints =
                {
                    versions.Select((version, i) => new LbEndpoint
                    {
                        Metadata = Match(version),
                        Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = $"10.0.0.{i + 1}", PortValue = 80 } } },
                    }),
                },
            },
        },
    };

    private void Set(string typeUrl, string name, IMessage message) =>
        Assert.Empty(_pipeline.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));
}
