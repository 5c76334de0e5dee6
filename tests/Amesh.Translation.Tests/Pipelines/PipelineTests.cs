using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Translation.Tests.Pipelines;

public sealed class PipelineTests : IDisposable
{
    private readonly FailingSink _sink = new();
    private readonly List<string> _told = [];
    private readonly Pipeline _pipeline;

    public PipelineTests() => _pipeline = new Pipeline(_sink, _told.Add);

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public void The_first_commit_waits_until_everything_that_is_named_has_come()
    {
        Set(TypeUrls.Cluster, "c", new Cluster { Name = "c", Type = Cluster.Types.DiscoveryType.Eds });
        Set(TypeUrls.Listener, "l", ListenerFor("rc"));
        _pipeline.Quiet();
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", "c"));
        _pipeline.Quiet();
        Assert.Equal(0, _sink.Commits);

        Set(TypeUrls.ClusterLoadAssignment, "c", new ClusterLoadAssignment { ClusterName = "c" });
        _pipeline.Quiet();

        Assert.Equal(1, _sink.Commits);
    }

    [Fact]
    public void Changes_that_the_sink_refused_come_again_with_the_next()
    {
        LoadMesh();
        _sink.Refuses = true;
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", "c", "other"));
        _pipeline.Quiet();
        Assert.Equal("no room", _pipeline.CommitError);
        Assert.Equal(["no room"], _told);

        _sink.Refuses = false;
        Set(TypeUrls.Listener, "l", ListenerFor("rc", port: 81));
        _pipeline.Quiet();

        Assert.Null(_pipeline.CommitError);
        Assert.Contains(_sink.Kept.Held.Keys, key => key.StartsWith("/upstreams/other", StringComparison.Ordinal));
        MeshRun.AssertSame(MeshRun.Texts(_pipeline.Translator.Objects), _sink.Kept.Held);
    }

    [Fact]
    public void A_quiet_moment_without_a_change_commits_nothing()
    {
        LoadMesh();
        _pipeline.Quiet();

        Assert.Equal(1, _sink.Commits);
    }

    [Fact]
    public void The_sink_knows_of_a_push_from_its_first_response_until_its_commit()
    {
        LoadMesh();
        Assert.Equal([true, false], _sink.Receiving);
        Set(TypeUrls.Listener, "l", ListenerFor("rc", port: 81));
        Set(TypeUrls.Listener, "l", ListenerFor("rc", port: 82));
        Assert.Equal([true, false, true], _sink.Receiving);
        Assert.True(_pipeline.Receiving);
        _pipeline.Quiet();
        Assert.Equal([true, false, true, false], _sink.Receiving);
        Assert.Equal(2, _sink.CommitsAtTheEnd);
    }

    [Fact]
    public void A_cluster_that_goes_before_its_route_leaves_an_upstream_without_nodes()
    {
        LoadMesh();
        _pipeline.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "2", [], ["c"], false));
        _pipeline.Quiet();

        string upstream = Assert.Single(_sink.Kept.Held, o => o.Key.StartsWith("/upstreams/", StringComparison.Ordinal)).Value;
        Assert.Contains("\"nodes\":[]", upstream, StringComparison.Ordinal);
    }

    [Fact]
    public void What_fails_at_the_deadline_is_told_and_ends_no_process()
    {
        Set(TypeUrls.Cluster, "c", new Cluster { Name = "c", Type = Cluster.Types.DiscoveryType.Static });
        _sink.Breaks = true;

        // As the timer calls it.
        _pipeline.TryOpen();

        Assert.Contains(_told, line => line.Contains("broken", StringComparison.Ordinal));
    }

    private void LoadMesh()
    {
        Set(TypeUrls.Cluster, "c", new Cluster { Name = "c", Type = Cluster.Types.DiscoveryType.Static });
        Set(TypeUrls.Listener, "l", ListenerFor("rc"));
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", "c"));
        _pipeline.Quiet();
        Assert.Equal(1, _sink.Commits);
    }

    private void Set(string typeUrl, string name, IMessage message) =>
        Assert.Empty(_pipeline.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));

    internal static Listener ListenerFor(string routeConfig, uint port = 80) => new()
    {
        Name = "l",
        Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = port } },
        FilterChains =
        {
            new FilterChain
            {
                Filters = { new Filter { TypedConfig = Any.Pack(new HttpConnectionManager { Rds = new Rds { RouteConfigName = routeConfig } }) } },
            },
        },
    };

    internal static RouteConfiguration Routes(string name, params string[] clusters) => new()
    {
        Name = name,
        VirtualHosts =
        {
            new VirtualHost
            {
                Name = "v",
                Domains = { "*" },
                Routes = { clusters.Select(c => new Route { Match = new RouteMatch { Prefix = "/" + c }, Route_ = new RouteAction { Cluster = c } }) },
            },
        },
    };

    private sealed class FailingSink : IConfigSink
    {
        public KeepingSink Kept { get; } = new();

        public bool Refuses { get; set; }

        public bool Breaks { get; set; }

        public int Commits { get; private set; }

        public int CommitsAtTheEnd { get; private set; }

        public List<bool> Receiving { get; } = [];

        void IConfigSink.Receiving(bool underWay)
        {
            Receiving.Add(underWay);
            CommitsAtTheEnd = underWay ? 0 : Commits;
        }

        public void Commit(ChangeSet changes)
        {
            if (Refuses)
            {
                throw new ConfigSinkException("no room");
            }

            if (Breaks)
            {
                throw new InvalidOperationException("broken");
            }

            Commits++;
            Kept.Commit(changes);
        }
    }
}
