using Amesh.Health;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using HealthStatus = Amesh.Health.HealthStatus;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class EjectionTests : IDisposable
{
    private static double Later => DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();

    private readonly KeepingSink _sink = new();
    private readonly Told _told = new();
    private readonly HealthyAlways _health = new();
    private readonly Pipeline _pipeline;

    public EjectionTests()
    {
        _pipeline = new Pipeline(_sink, null, null, _health, _told);
        Set(TypeUrls.Listener, "l", PipelineTests.ListenerFor("rc"));
        Set(TypeUrls.Cluster, "c", Ejecting());
        Set(TypeUrls.RouteConfiguration, "rc", PipelineTests.Routes("rc", "c"));
        Endpoints(("10.0.0.1", 0), ("10.0.0.2", 0), ("10.0.0.9", 1));
    }

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public void The_next_priority_takes_over_what_ejected_endpoints_cannot()
    {
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Nodes());
        Assert.Contains($"\"amesh_endpoints\":\"3\",\"amesh_health\":\"{Apisix.ObjectId.From("c")}\"", Upstream(), StringComparison.Ordinal);

        _told.Eject("10.0.0.1:80", Later);
        Assert.True(_pipeline.LookAtEjections());
        Assert.Equal(["10.0.0.2", "10.0.0.9"], Nodes());
        Assert.Equal(["10.0.0.1:80"], _told.Settled);

        _told.Eject("10.0.0.2:80", Later);
        _pipeline.LookAtEjections();
        Assert.Equal(["10.0.0.9"], Nodes());

        // It comes back when its time is over, though nobody says so.
        _told.Ejections["10.0.0.1:80"] = (1, true);
        _told.Eject("10.0.0.2:80", Later);
        _pipeline.LookAtEjections();
        Assert.Equal(["10.0.0.1", "10.0.0.9"], Nodes());
        Assert.DoesNotContain("10.0.0.1:80", _told.Ejections.Keys);
    }

    [Fact]
    public void Nothing_is_asked_or_written_while_nothing_happens()
    {
        _pipeline.LookAtEjections();
        _sink.Take();
        _told.Asked = 0;
        _pipeline.LookAtEjections();
        Assert.Equal(1, _told.Asked);
        Assert.Empty(_sink.Take());
    }

    [Fact]
    public void One_priority_is_left_to_the_workers()
    {
        Endpoints(("10.0.0.1", 0), ("10.0.0.2", 0));
        Assert.False(_pipeline.LookAtEjections());
        Assert.DoesNotContain("amesh_health", Upstream(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_good_health_check_ends_an_ejection(bool ends)
    {
        Cluster cluster = Ejecting();
        cluster.HealthChecks.Add(new Envoy.Config.Core.V3.HealthCheck { TcpHealthCheck = new() });
        cluster.OutlierDetection.SuccessfulActiveHealthCheckUnejectHost = ends;
        Set(TypeUrls.Cluster, "c", cluster);
        _pipeline.Quiet();
        _told.Eject("10.0.0.1:80", Later);
        _pipeline.LookAtEjections();
        Assert.Equal(["10.0.0.2", "10.0.0.9"], Nodes());

        _health.Good("10.0.0.1");
        Assert.Equal(ends ? ["10.0.0.1", "10.0.0.2"] : ["10.0.0.2", "10.0.0.9"], Nodes());
        Assert.Equal(!ends, _told.Ejections.ContainsKey("10.0.0.1:80"));
    }

    private static Cluster Ejecting() => new()
    {
        Name = "c",
        Type = Cluster.Types.DiscoveryType.Eds,
        EdsClusterConfig = new Cluster.Types.EdsClusterConfig { EdsConfig = new ConfigSource { Ads = new AggregatedConfigSource() } },
        CommonLbConfig = new Cluster.Types.CommonLbConfig { HealthyPanicThreshold = new Percent { Value = 0 } },
        OutlierDetection = new OutlierDetection { Consecutive5Xx = 3, MaxEjectionPercent = 100 },
    };

    private void Endpoints(params (string Address, uint Priority)[] endpoints)
    {
        Set(TypeUrls.ClusterLoadAssignment, "c", new ClusterLoadAssignment
        {
            ClusterName = "c",
            Endpoints =
            {
                endpoints.GroupBy(endpoint => endpoint.Priority).Select(group => new LocalityLbEndpoints
                {
                    Priority = group.Key,
                    LbEndpoints =
                    {
                        group.Select(endpoint => new LbEndpoint
                        {
                            Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = endpoint.Address, PortValue = 80 } } },
                        }),
                    },
                }),
            },
        });
        _pipeline.Quiet();
    }

    private static string Key => $"/upstreams/{Apisix.ObjectId.From("c")}";

    private string Upstream() => _sink.Held[Key];

    private string[] Nodes() => [.. System.Text.Json.JsonDocument.Parse(Upstream()).RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("host").GetString()!)];

    private void Set(string typeUrl, string name, IMessage message) =>
        Assert.Empty(_pipeline.Apply(new(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));

    private sealed class Told : IEjections
    {
        private double _count;

        public Dictionary<string, (double Until, bool IsSettled)> Ejections { get; } = [];

        public IEnumerable<string> Settled => Ejections.Where(ejection => ejection.Value.IsSettled).Select(ejection => ejection.Key);

        public int Asked { get; set; }

        public void Eject(string endpoint, double until)
        {
            Ejections[endpoint] = (until, false);
            _count++;
        }

        public double Count(string? upstreamId)
        {
            Asked++;
            return _count;
        }

        public (double Until, bool IsSettled)? Until(string upstreamId, string endpoint)
        {
            Asked++;
            return Ejections.TryGetValue(endpoint, out var ejection) && upstreamId == Apisix.ObjectId.From("c") ? ejection : null;
        }

        public void Settle(string upstreamId, string endpoint, double until) => Ejections[endpoint] = (until, true);

        public void TakeBack(string upstreamId, string endpoint) => Ejections.Remove(endpoint);
    }

    private sealed class HealthyAlways : IHealthChecker
    {
        private IEnumerable<HealthTarget> _targets = [];

        public Action<HealthTarget>? Succeeded { get; set; }

        public Func<string, bool>? HasTraffic { get; set; }

        public void Watch(IReadOnlyDictionary<HealthTarget, HealthTls?> targets, Action<HealthTarget, HealthStatus> changed)
        {
            _targets = [.. targets.Keys];
            foreach (HealthTarget target in _targets)
            {
                _ = Task.Run(() => changed(target, HealthStatus.Healthy));
            }
        }

        public void Good(string host) => Succeeded!(_targets.Single(target => target.Host == host));
    }
}
