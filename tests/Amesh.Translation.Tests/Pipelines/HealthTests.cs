using Amesh.Health;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using HealthStatus = Amesh.Health.HealthStatus;
using EnvoyCheck = Envoy.Config.Core.V3.HealthCheck;
using EndpointCheck = Envoy.Config.Endpoint.V3.Endpoint.Types.HealthCheckConfig;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class HealthTests : IDisposable
{
    private readonly KeepingSink _sink = new();
    private readonly ToldHealth _health = new();
    private readonly Pipeline _pipeline;

    public HealthTests()
    {
        _pipeline = new Pipeline(_sink, null, null, _health);
        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.Cluster, "c", Checked("c"));
        Set(TypeUrls.Cluster, "unused", Checked("unused", cluster => cluster.Type = Cluster.Types.DiscoveryType.Static));
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c"));
        Endpoints(At("10.0.0.1"), At("10.0.0.2"));
    }

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public void The_first_commit_waits_for_first_checks_whatever_they_say()
    {
        Assert.Equal(["10.0.0.1", "10.0.0.2"], _health.Hosts);
        Assert.Empty(_sink.Take());

        _health.Say("10.0.0.1", HealthStatus.Healthy);
        Assert.Empty(_sink.Take());
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        Assert.Single(_sink.Take());
        Assert.Equal(["10.0.0.1"], Nodes());
    }

    [Fact]
    public void An_endpoint_goes_and_comes_back_as_checks_say()
    {
        Start();
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        Assert.Equal(["10.0.0.1"], Nodes());
        Assert.Equal((2, 1), _pipeline.Translator.CheckedEndpoints);
        _health.Say("10.0.0.2", HealthStatus.Healthy);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
        Assert.Equal((2, 0), _pipeline.Translator.CheckedEndpoints);

        // Degraded ones serve when the others cannot.
        _health.Say("10.0.0.2", HealthStatus.Degraded);
        Assert.Equal(["10.0.0.1"], Nodes().Take(1));
        _sink.Take();
        _health.Say("10.0.0.2", HealthStatus.Degraded);
        Assert.Empty(_sink.Take());
    }

    [Fact]
    public void With_too_few_healthy_ones_health_does_not_count()
    {
        Set(TypeUrls.Cluster, "c", Checked("c", cluster => cluster.CommonLbConfig = new() { HealthyPanicThreshold = new() { Value = 50 } }));
        Start();
        Endpoints(At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3"));
        _health.Say("10.0.0.3", HealthStatus.Unhealthy);
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.3"], Nodes());
    }

    [Fact]
    public void Priorities_after_the_first_take_over_what_unhealthy_endpoints_cannot()
    {
        Start();
        Endpoints(At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.9", priority: 1));
        _health.Say("10.0.0.9", HealthStatus.Healthy);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());

        _health.Say("10.0.0.1", HealthStatus.Unhealthy);
        Assert.Contains("{\"host\":\"10.0.0.9\",\"port\":80,\"weight\":300000}", Upstream(), StringComparison.Ordinal);
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        Assert.Equal(["10.0.0.9"], Nodes());
        _health.Say("10.0.0.1", HealthStatus.Healthy);
        _health.Say("10.0.0.2", HealthStatus.Healthy);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
    }

    [Fact]
    public void The_worse_of_control_plane_and_checks_counts()
    {
        Start();
        Endpoints(At("10.0.0.1"), At("10.0.0.2", status: Envoy.Config.Core.V3.HealthStatus.Unhealthy));
        Assert.Equal(["10.0.0.1"], Nodes());
        _health.Say("10.0.0.1", HealthStatus.Unhealthy);
        Assert.Empty(Nodes());
    }

    [Fact]
    public void A_new_endpoint_gets_nothing_before_its_first_good_answer()
    {
        Start();
        Endpoints(At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3"));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
        _health.Say("10.0.0.3", HealthStatus.Healthy);
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.3"], Nodes());
    }

    [Theory]
    [InlineData(false, new[] { "10.0.0.1", "10.0.0.3" })]
    [InlineData(true, new[] { "10.0.0.1" })]
    public void New_endpoints_may_be_left_out_of_the_count(bool excluded, string[] nodes)
    {
        Set(TypeUrls.Cluster, "c", Checked("c", cluster => cluster.CommonLbConfig.IgnoreNewHostsUntilFirstHc = excluded));
        Endpoints(At("10.0.0.1"), At("10.0.0.9", priority: 1));
        _health.Say("10.0.0.1", HealthStatus.Healthy);
        _health.Say("10.0.0.9", HealthStatus.Healthy);

        // Two of three unchecked: 1.4 / 3 of the requests stay, unless they do not count.
        Endpoints(At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.8"), At("10.0.0.9", priority: 1));
        Assert.Equal(excluded ? 1 : 2, Nodes().Length);
        Assert.Equal(nodes[0], Nodes()[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_endpoint_that_is_taken_back_stays_while_it_is_healthy(bool forgets)
    {
        Set(TypeUrls.Cluster, "c", Checked("c", cluster => cluster.IgnoreHealthOnHostRemoval = forgets));
        Start();
        Endpoints(At("10.0.0.1"));
        if (forgets)
        {
            Assert.Equal(["10.0.0.1"], Nodes());
            Assert.Equal(["10.0.0.1"], _health.Hosts);
            return;
        }

        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
        Assert.Equal(["10.0.0.1", "10.0.0.2"], _health.Hosts);
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        Assert.Equal(["10.0.0.1"], Nodes());
        Assert.Equal(["10.0.0.1"], _health.Hosts);
    }

    [Fact]
    public void An_endpoint_that_changes_its_weight_is_not_checked_anew()
    {
        Start();
        Endpoints(At("10.0.0.1"), At("10.0.0.2", weight: 3));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
        Assert.Equal(1, _health.Watches);
    }

    [Fact]
    public void A_cluster_that_changes_goes_on_with_what_is_known_until_it_is_checked_anew()
    {
        Start();
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        Set(TypeUrls.Cluster, "c", Checked("c", cluster => cluster.HealthChecks[0].Interval = Duration.FromTimeSpan(TimeSpan.FromSeconds(7))));
        _pipeline.Quiet();
        Assert.Equal(["10.0.0.1"], Nodes());
        Assert.All(_health.Targets, target => Assert.Equal(7, target.Check.Interval.TotalSeconds));
        _health.Say("10.0.0.2", HealthStatus.Healthy);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());

        Set(TypeUrls.Cluster, "c", Checked("c", cluster => cluster.HealthChecks.Clear()));
        _pipeline.Quiet();
        Assert.Empty(_health.Targets);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
    }

    [Fact]
    public void Nothing_is_checked_of_clusters_that_are_not_used_any_more()
    {
        Start();
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc"));
        _pipeline.Quiet();
        Assert.Empty(_health.Targets);
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
    }

    [Fact]
    public void What_is_asked_is_as_cluster_and_endpoint_say()
    {
        LbEndpoint other = At("10.0.0.2");
        other.Endpoint.HealthCheckConfig = new EndpointCheck { PortValue = 8080, Hostname = "other.test" };
        LbEndpoint apart = At("10.0.0.3");
        apart.Endpoint.HealthCheckConfig = new EndpointCheck { Address = new Address { SocketAddress = new SocketAddress { Address = "10.1.0.3", PortValue = 81 } } };
        LbEndpoint never = At("10.0.0.4");
        never.Endpoint.HealthCheckConfig = new EndpointCheck { DisableActiveHealthCheck = true };
        Endpoints(At("10.0.0.1"), other, apart, never);

        Assert.Equal(
            ["10.0.0.1:80 c", "10.0.0.2:8080 other.test", "10.1.0.3:81 c"],
            _health.Targets.OrderBy(target => target.Host).Select(target => $"{target.CheckHost}:{target.CheckPort} {target.Authority}"));
        _health.Say("10.0.0.1", HealthStatus.Unhealthy);
        _health.Say("10.0.0.2", HealthStatus.Unhealthy);
        _health.Say("10.0.0.3", HealthStatus.Unhealthy);
        Assert.Equal(["10.0.0.4"], Nodes());
    }

    [Fact]
    public void Without_a_checker_endpoints_are_as_healthy_as_the_control_plane_says()
    {
        var sink = new KeepingSink();
        using var pipeline = new Pipeline(sink);
        pipeline.Apply(Update(TypeUrls.Cluster, "c", Checked("c")));
        pipeline.Apply(Update(TypeUrls.ClusterLoadAssignment, "c", Assigned(At("10.0.0.1"))));
        pipeline.Apply(Update(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc")));
        pipeline.Apply(Update(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c")));
        pipeline.Quiet();
        Assert.Contains("10.0.0.1", sink.Held[Key], StringComparison.Ordinal);
        Assert.Contains($"\"amesh_health\":\"{Apisix.ObjectId.From("c")}\"", sink.Held[Key], StringComparison.Ordinal);
    }

    private static string Key => $"/upstreams/{Apisix.ObjectId.From("c")}";

    private void Start()
    {
        _pipeline.Quiet();
        _health.Say("10.0.0.1", HealthStatus.Healthy);
        _health.Say("10.0.0.2", HealthStatus.Healthy);
        _sink.Take();
    }

    private static Cluster Checked(string name, Action<Cluster>? with = null)
    {
        var cluster = new Cluster
        {
            Name = name,
            Type = Cluster.Types.DiscoveryType.Eds,
            EdsClusterConfig = new Cluster.Types.EdsClusterConfig { EdsConfig = new ConfigSource { Ads = new AggregatedConfigSource() } },
            CommonLbConfig = new Cluster.Types.CommonLbConfig { HealthyPanicThreshold = new Percent { Value = 0 } },
            HealthChecks = { new EnvoyCheck { HttpHealthCheck = new EnvoyCheck.Types.HttpHealthCheck { Path = "/" } } },
        };
        with?.Invoke(cluster);
        return cluster;
    }

    private static LbEndpoint At(string address, uint priority = 0, uint weight = 1, Envoy.Config.Core.V3.HealthStatus status = default) => new()
    {
        Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = address, PortValue = 80 } } },
        LoadBalancingWeight = weight,
        HealthStatus = status,

        // Only for this test's own grouping.
        Metadata = new Metadata { FilterMetadata = { ["priority"] = new Struct { Fields = { ["priority"] = Value.ForNumber(priority) } } } },
    };

    private static ClusterLoadAssignment Assigned(params LbEndpoint[] endpoints) => new()
    {
        ClusterName = "c",
        Endpoints =
        {
            endpoints.GroupBy(endpoint => (uint)endpoint.Metadata.FilterMetadata["priority"].Fields["priority"].NumberValue)
                .Select(group => new LocalityLbEndpoints { Priority = group.Key, LbEndpoints = { group } }),
        },
    };

    private void Endpoints(params LbEndpoint[] endpoints)
    {
        Set(TypeUrls.ClusterLoadAssignment, "c", Assigned(endpoints));
        _pipeline.Quiet();
    }

    private string Upstream() => _sink.Held[Key];

    private string[] Nodes() => [.. System.Text.Json.JsonDocument.Parse(Upstream()).RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("host").GetString()!)];

    private static DiscoveryUpdate Update(string typeUrl, string name, IMessage message) =>
        new(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false);

    private void Set(string typeUrl, string name, IMessage message) => Assert.Empty(_pipeline.Apply(Update(typeUrl, name, message)));

    /// <summary>Says what the test says.</summary>
    private sealed class ToldHealth : IHealthChecker
    {
        private Action<HealthTarget, HealthStatus> _changed = (_, _) => { };

        public IReadOnlyCollection<HealthTarget> Targets { get; private set; } = [];

        public IEnumerable<string> Hosts => Targets.Select(target => target.Host).Order(StringComparer.Ordinal);

        public int Watches { get; private set; }

        public Action<HealthTarget>? Succeeded { get; set; }

        public Func<string, bool>? HasTraffic { get; set; }

        public void Watch(IReadOnlyDictionary<HealthTarget, HealthTls?> targets, Action<HealthTarget, HealthStatus> changed)
        {
            Targets = [.. targets.Keys];
            Watches++;
            _changed = changed;
        }

        public void Say(string host, HealthStatus status)
        {
            if (Targets.FirstOrDefault(target => target.Host == host) is { } target)
            {
                _changed(target, status);
            }
        }
    }
}
