using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Xds.Tests.Store;

public class ResourceStoreTests
{
    private readonly Units _units = new();
    private readonly ResourceStore _store;

    public ResourceStoreTests() => _store = new ResourceStore(_units);

    [Fact]
    public void The_same_bytes_again_are_no_change()
    {
        Set(TypeUrls.Cluster, "c", Eds("c"));
        Assert.Single(_units.Take(_store));

        Set(TypeUrls.Cluster, "c", Eds("c"), version: "2");

        Assert.Empty(_units.Take(_store));
        Assert.Equal("2", _store.Versions(TypeUrls.Cluster)["c"]);
    }

    [Fact]
    public void One_changed_virtual_host_is_the_only_change()
    {
        Want("rc");
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("a", "x"), ("b", "y")));
        _units.Take(_store);

        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("b", "z"), ("a", "x")));

        UnitChange change = Assert.Single(_units.Take(_store));
        Assert.Equal(new UnitKey(UnitKind.VirtualHost, "rc", "b"), change.Key);
        Assert.Equal("z", ((VirtualHost)change.Message!).Domains[0]);
    }

    [Fact]
    public void A_virtual_host_that_is_left_out_is_gone()
    {
        Want("rc");
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("a", "x"), ("b", "y")));
        _units.Take(_store);

        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("a", "x")));

        UnitChange change = Assert.Single(_units.Take(_store));
        Assert.Equal("b", change.Key.Name);
        Assert.Null(change.Message);
    }

    [Fact]
    public void What_cannot_be_decoded_is_refused_alone_and_the_last_good_one_stays()
    {
        Want("rc");
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("a", "x")));
        _units.Take(_store);

        RejectedResource rejected = Assert.Single(_store.Apply(new DiscoveryUpdate(
            TypeUrls.RouteConfiguration, "2", [new DiscoveryResource("rc", "2", new byte[] { 0x0a, 0x7f, 1 })], [], false)));

        Assert.Equal("rc", rejected.Name);
        Assert.Empty(_units.Take(_store));
        Assert.Equal("1", _store.Versions(TypeUrls.RouteConfiguration)["rc"]);
        Assert.True(_store.TryRead(new UnitKey(UnitKind.VirtualHost, "rc", "a"), out _));
    }

    [Fact]
    public void What_is_taken_back_while_something_names_it_stays()
    {
        Want("rc");
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("a", "x")));
        Set(TypeUrls.Cluster, "c", Eds("c"));
        Set(TypeUrls.ClusterLoadAssignment, "c", new ClusterLoadAssignment { ClusterName = "c" });
        _units.Take(_store);

        _store.Apply(new DiscoveryUpdate(TypeUrls.RouteConfiguration, "2", [], ["rc"], false));
        _store.Apply(new DiscoveryUpdate(TypeUrls.ClusterLoadAssignment, "2", [], ["c"], false));
        Assert.Empty(_units.Take(_store));

        _store.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "3", [], ["c"], false));
        Assert.Equal([UnitKind.Cluster, UnitKind.Assignment], _units.Take(_store).Select(change => change.Key.Kind).Order());
    }

    [Fact]
    public void The_default_filter_chain_names_its_routes_as_any_other()
    {
        var chain = new FilterChain { Filters = { new Filter { TypedConfig = Any.Pack(new HttpConnectionManager { Rds = new Rds { RouteConfigName = "last" } }) } } };
        Set(TypeUrls.Listener, "l", new Listener { Name = "l", DefaultFilterChain = chain });
        Assert.Equal(["last"], _store.Wanted(TypeUrls.RouteConfiguration));
    }

    [Fact]
    public void Two_virtual_hosts_of_one_name_are_refused()
    {
        Want("rc");
        RejectedResource rejected = Assert.Single(Set(TypeUrls.RouteConfiguration, "rc", Routes("rc", ("a", "x"), ("a", "y"))));

        Assert.Contains("named a", rejected.Reason, StringComparison.Ordinal);
        Assert.Empty(_store.Versions(TypeUrls.RouteConfiguration));
    }

    [Fact]
    public void Wanted_names_follow_what_clusters_and_listeners_name()
    {
        Set(TypeUrls.Cluster, "c", Eds("c"));
        Set(TypeUrls.Cluster, "d", Eds("d", "other"));
        Want("rc");

        Assert.Equal(["c", "other"], _store.Wanted(TypeUrls.ClusterLoadAssignment).Order());
        Assert.Equal(["rc"], _store.Wanted(TypeUrls.RouteConfiguration));

        _store.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "2", [], ["d", "d", "never"], false));

        Assert.Equal(["c"], _store.Wanted(TypeUrls.ClusterLoadAssignment));
    }

    [Fact]
    public void What_nothing_names_any_more_is_dropped()
    {
        Set(TypeUrls.Cluster, "c", Eds("c"));
        Set(TypeUrls.ClusterLoadAssignment, "c", new ClusterLoadAssignment { ClusterName = "c" });
        _units.Take(_store);

        _store.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "2", [], ["c"], false));

        Assert.Equal([UnitKind.Cluster, UnitKind.Assignment], _units.Take(_store).Select(c => c.Key.Kind).Order());
        Assert.Empty(_store.Versions(TypeUrls.ClusterLoadAssignment));
    }

    [Fact]
    public void A_complete_update_removes_what_it_does_not_list()
    {
        Set(TypeUrls.Cluster, "c", Eds("c"));
        Set(TypeUrls.Cluster, "d", Eds("d"));
        _units.Take(_store);

        _store.Apply(new DiscoveryUpdate(
            TypeUrls.Cluster, "2", [new DiscoveryResource("c", "2", Eds("c").ToByteArray())], [], Complete: true));

        Assert.Equal("d", Assert.Single(_units.Take(_store)).Key.Resource);
    }

    [Fact]
    public void It_is_complete_when_everything_that_is_named_has_come()
    {
        Assert.False(_store.IsComplete);
        Set(TypeUrls.Cluster, "c", Eds("c"));
        Want("rc");
        Assert.Equal(2, _store.Missing.Count());

        Set(TypeUrls.ClusterLoadAssignment, "c", new ClusterLoadAssignment { ClusterName = "c" });
        Assert.False(_store.IsComplete);
        Set(TypeUrls.RouteConfiguration, "rc", Routes("rc"));

        Assert.True(_store.IsComplete);
    }

    private IReadOnlyList<RejectedResource> Set(string typeUrl, string name, IMessage message, string version = "1") =>
        _store.Apply(new DiscoveryUpdate(typeUrl, version, [new DiscoveryResource(name, version, message.ToByteArray())], [], false));

    private void Want(string routeConfig)
    {
        var manager = new HttpConnectionManager { Rds = new Rds { RouteConfigName = routeConfig } };
        var chain = new FilterChain { Filters = { new Filter { Name = "http", TypedConfig = Any.Pack(manager) } } };
        Set(TypeUrls.Listener, "l", new Listener { Name = "l", Address = new Address(), FilterChains = { chain } });
        _units.Take(_store);
    }

    private static Cluster Eds(string name, string? service = null) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.Eds,
        EdsClusterConfig = new Cluster.Types.EdsClusterConfig { ServiceName = service ?? "" },
    };

    private static RouteConfiguration Routes(string name, params (string Name, string Domain)[] hosts) => new()
    {
        Name = name,
        VirtualHosts = { hosts.Select(host => new VirtualHost { Name = host.Name, Domains = { host.Domain } }) },
    };

    private sealed class Units : IUnitHandler
    {
        private readonly List<UnitChange> _changes = [];

        public void Apply(IReadOnlyList<UnitChange> changes) => _changes.AddRange(changes);

        public UnitChange[] Take(ResourceStore store)
        {
            store.Quiet();
            UnitChange[] changes = [.. _changes];
            _changes.Clear();
            return changes;
        }
    }
}
