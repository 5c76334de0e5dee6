using Amesh.Dns;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class NamedEndpointsTests : IDisposable
{
    private readonly KeepingSink _sink = new();
    private readonly ToldNames _names = new();
    private readonly Pipeline _pipeline;

    public NamedEndpointsTests()
    {
        _pipeline = new Pipeline(_sink, null, _names);
        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.Cluster, "c", Named("c", Cluster.Types.DiscoveryType.StrictDns, "a.test"));
        Set(TypeUrls.Cluster, "other", Named("other", Cluster.Types.DiscoveryType.StrictDns, "b.test"));
        Set(TypeUrls.Cluster, "unused", Named("unused", Cluster.Types.DiscoveryType.StrictDns, "unused.test"));
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c", "other"));
        _pipeline.Quiet();
    }

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public void The_first_commit_waits_until_names_have_been_looked_up_if_in_vain()
    {
        Assert.Equal(["a.test", "b.test"], _names.Watched);
        Assert.Empty(_sink.Take());

        _names.Say("a.test", "10.0.0.1");
        Assert.Empty(_sink.Take());
        _names.Say("b.test", null);

        Assert.Single(_sink.Take());
        Assert.Contains("\"nodes\":[{\"host\":\"10.0.0.1\",\"port\":80,\"weight\":1,\"domain\":\"a.test\"}]", Upstream("c"), StringComparison.Ordinal);
        Assert.Contains("\"nodes\":[]", Upstream("other"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_changes_the_upstream_of_its_cluster_and_nothing_else()
    {
        Start();
        _names.Say("a.test", "10.0.0.2", "10.0.0.1");

        ChangeSet changes = Assert.Single(_sink.Take());
        Assert.Equal([Key("c")], changes.Set.Select(o => o.Key.ToString()));
        Assert.Empty(changes.Removed);

        // Another order is the same endpoints.
        _names.Say("a.test", "10.0.0.1", "10.0.0.2");
        Assert.Empty(_sink.Take());
    }

    [Fact]
    public void A_failure_keeps_the_last_addresses_and_no_such_name_does_not()
    {
        Start();
        _names.Say("a.test", null);
        Assert.Empty(_sink.Take());
        Assert.Contains("10.0.0.1", Upstream("c"), StringComparison.Ordinal);

        _names.Say("a.test");
        Assert.Contains("\"nodes\":[]", Upstream("c"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_logical_host_is_the_first_address_and_outlives_an_empty_answer()
    {
        Start();
        Set(TypeUrls.Cluster, "c", Named("c", Cluster.Types.DiscoveryType.LogicalDns, "a.test"));
        _pipeline.Quiet();
        Assert.Contains("10.0.0.1", Upstream("c"), StringComparison.Ordinal);

        _names.Say("a.test", "10.0.0.9", "10.0.0.1");
        Assert.Contains("10.0.0.9", Upstream("c"), StringComparison.Ordinal);
        Assert.DoesNotContain("10.0.0.1\"", Upstream("c"), StringComparison.Ordinal);

        _sink.Take();
        _names.Say("a.test");
        Assert.Empty(_sink.Take());
    }

    [Fact]
    public void A_cluster_serves_on_as_it_was_until_its_new_name_has_been_looked_up()
    {
        Start();
        Set(TypeUrls.Cluster, "c", Named("c", Cluster.Types.DiscoveryType.StrictDns, "new.test"));
        _pipeline.Quiet();
        Assert.Empty(_sink.Take());
        Assert.Equal(["b.test", "new.test"], _names.Watched);
        Assert.True(_pipeline.Receiving);

        _names.Say("new.test", "10.0.0.3");
        Assert.Contains("10.0.0.3", Upstream("c"), StringComparison.Ordinal);
        Assert.False(_pipeline.Receiving);
    }

    [Fact]
    public void Names_of_clusters_that_are_not_used_any_more_are_given_up()
    {
        Start();
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "other"));
        _pipeline.Quiet();

        Assert.Equal(["b.test"], _names.Watched);
        _names.Say("a.test", "10.0.0.7");
    }

    [Fact]
    public void Names_stay_in_the_nodes_where_nobody_looks_them_up()
    {
        var sink = new KeepingSink();
        using var pipeline = new Pipeline(sink);
        pipeline.Apply(Update(TypeUrls.Cluster, "c", Named("c", Cluster.Types.DiscoveryType.StrictDns, "a.test")));
        pipeline.Apply(Update(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc")));
        pipeline.Apply(Update(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c")));
        pipeline.Quiet();

        Assert.Contains("\"host\":\"a.test\"", sink.Held[Key("c")], StringComparison.Ordinal);
    }

    [Fact]
    public void How_names_are_looked_up_is_as_the_cluster_says()
    {
        Start();
        Cluster cluster = Named("c", Cluster.Types.DiscoveryType.StrictDns, "a.test");
        cluster.DnsLookupFamily = Cluster.Types.DnsLookupFamily.V4Preferred;
        cluster.RespectDnsTtl = true;
        cluster.DnsRefreshRate = Duration.FromTimeSpan(TimeSpan.FromSeconds(60));
        cluster.DnsFailureRefreshRate = new Cluster.Types.RefreshRate { BaseInterval = Duration.FromTimeSpan(TimeSpan.FromSeconds(2)) };
        cluster.DnsResolvers.Add(new Address { SocketAddress = new SocketAddress { Address = "10.0.0.53" } });
        Set(TypeUrls.Cluster, "c", cluster);
        _pipeline.Quiet();

        Assert.Contains(
            new NameQuery("a.test")
            {
                Family = LookupFamily.V4Preferred,
                RespectTtl = true,
                RefreshRate = TimeSpan.FromSeconds(60),
                FailureBase = TimeSpan.FromSeconds(2),
                FailureMax = TimeSpan.FromSeconds(20),
                Servers = "10.0.0.53:53",
            },
            _names.Queries);
    }

    private void Start()
    {
        _names.Say("a.test", "10.0.0.1");
        _names.Say("b.test", "10.0.0.100");
        _sink.Take();
    }

    private static Cluster Named(string name, Cluster.Types.DiscoveryType type, string host) => new()
    {
        Name = name,
        Type = type,
        LoadAssignment = new ClusterLoadAssignment
        {
            ClusterName = name,
            Endpoints =
            {
                new LocalityLbEndpoints
                {
                    LbEndpoints =
                    {
                        new LbEndpoint
                        {
                            Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = host, PortValue = 80 } } },
                        },
                    },
                },
            },
        },
    };

    private static string Key(string cluster) => $"/upstreams/{Apisix.ObjectId.From(cluster)}";

    private string Upstream(string cluster) => _sink.Held[Key(cluster)];

    private static DiscoveryUpdate Update(string typeUrl, string name, IMessage message) =>
        new(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false);

    private void Set(string typeUrl, string name, IMessage message) => Assert.Empty(_pipeline.Apply(Update(typeUrl, name, message)));

    /// <summary>Answers when the test says so.</summary>
    private sealed class ToldNames : INameResolver
    {
        private Action<NameQuery, IReadOnlyList<string>?> _answered = (_, _) => { };

        public IReadOnlyCollection<NameQuery> Queries { get; private set; } = [];

        public IEnumerable<string> Watched => Queries.Select(query => query.Name).Order(StringComparer.Ordinal);

        public void Watch(IReadOnlyCollection<NameQuery> names, Action<NameQuery, IReadOnlyList<string>?> answered) => (Queries, _answered) = (names, answered);

        public void Say(string name, params string[]? addresses)
        {
            foreach (NameQuery query in Queries.Where(query => query.Name == name).DefaultIfEmpty(new NameQuery(name)))
            {
                _answered(query, addresses);
            }
        }
    }
}
