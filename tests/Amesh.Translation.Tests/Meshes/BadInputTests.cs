using Amesh.Xds;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Filter = Envoy.Config.Listener.V3.Filter;
using Listener = Envoy.Config.Listener.V3.Listener;
using Route = Envoy.Config.Route.V3.Route;
using VirtualHost = Envoy.Config.Route.V3.VirtualHost;

namespace Amesh.Translation.Tests.Meshes;

/// <summary>One bad thing is one diagnostic, and the rest of the mesh is as it would be without it.</summary>
public class BadInputTests
{
    private static readonly VirtualHost Good = Host("good", "good.example", new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "good" } });

    [Fact]
    public void An_invalid_expression_leaves_its_route_out() =>
        Told(Severity.Refused, "safe_regex", Host("bad", "bad.example",
            new Route { Match = new RouteMatch { SafeRegex = new RegexMatcher { Regex = "(" } }, Route_ = new RouteAction { Cluster = "good" } }));

    [Fact]
    public void A_route_without_a_match_is_left_out() =>
        Told(Severity.Refused, "match", Host("bad", "bad.example", new Route { Route_ = new RouteAction { Cluster = "good" } }));

    [Fact]
    public void An_extension_that_is_not_known_is_told()
    {
        var route = new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "good" } };
        route.TypedPerFilterConfig.Add("some.filter", new Any { TypeUrl = "type.googleapis.com/some.Filter", Value = ByteString.CopyFromUtf8("x") });
        Told(Severity.NotYet, "typed_per_filter_config", Host("bad", "bad.example", route));
    }

    [Fact]
    public void A_cluster_that_never_comes_is_an_upstream_without_nodes()
    {
        IReadOnlyDictionary<string, string> objects = Told(null, "", Host("bad", "bad.example",
            new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "never" } }));
        Assert.Contains("\"nodes\":[]", Assert.Single(objects, o => o.Key.StartsWith("/upstreams/never", StringComparison.Ordinal)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_of_zero_is_never_drawn_and_no_fault()
    {
        var weighted = new WeightedCluster();
        weighted.Clusters.Add(new WeightedCluster.Types.ClusterWeight { Name = "good", Weight = 0 });
        IReadOnlyDictionary<string, string> objects = Told(null, "", Host("bad", "bad.example",
            new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { WeightedClusters = weighted } }));
        Assert.Contains(objects.Values, json => json.Contains("\"weight\":0", StringComparison.Ordinal) && json.Contains("bad.example", StringComparison.Ordinal));
    }

    [Fact]
    public void An_endpoint_without_an_address_is_left_out()
    {
        using var mesh = new SmallMesh(Good);
        var assignment = new ClusterLoadAssignment { ClusterName = "good" };
        var locality = new LocalityLbEndpoints();
        locality.LbEndpoints.Add(new LbEndpoint { Endpoint = new Envoy.Config.Endpoint.V3.Endpoint() });
        locality.LbEndpoints.Add(SmallMesh.EndpointAt("127.0.0.2", 80));
        locality.LbEndpoints.Add(SmallMesh.EndpointAt("127.0.0.3", 0));
        assignment.Endpoints.Add(locality);
        mesh.Set(TypeUrls.ClusterLoadAssignment, "good", assignment);

        Assert.Equal(2, mesh.Translator.Diagnostics.Count(d => d.Severity == Severity.Refused));
        string upstream = Assert.Single(mesh.Objects, o => o.Key.StartsWith("/upstreams/", StringComparison.Ordinal)).Value;
        Assert.Contains("127.0.0.2", upstream, StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.3", upstream, StringComparison.Ordinal);
    }

    [Fact]
    public void A_unit_whose_translation_fails_stays_as_it_was_and_costs_no_other()
    {
        using var mesh = new SmallMesh(Good);
        var told = new List<string>();
        mesh.Translator.OnTrouble = told.Add;
        IReadOnlyDictionary<string, string> before = mesh.Objects;

        // An extension whose bytes are none, in one batch with a good change.
        Cluster bad = SmallMesh.Cluster("good");
        Any garbage = Any.Pack(new Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3.RoundRobin());
        garbage.Value = ByteString.CopyFrom(0x0a, 0x7f);
        bad.LoadBalancingPolicy = new LoadBalancingPolicy { Policies = { new LoadBalancingPolicy.Types.Policy { TypedExtensionConfig = new TypedExtensionConfig { Name = "x", TypedConfig = garbage } } } };
        mesh.Set((TypeUrls.Cluster, "good", bad), (TypeUrls.Cluster, "later", SmallMesh.Cluster("later")));

        Assert.Equal(before, mesh.Objects);
        Assert.Contains("cluster good", Assert.Single(told), StringComparison.Ordinal);
        Assert.Equal(Severity.Refused, Assert.Single(mesh.Translator.Diagnostics, d => d.Message.Contains("cannot be translated", StringComparison.Ordinal)).Severity);

        // The cluster beside it was taken, and its endpoints still are.
        mesh.Set(TypeUrls.RouteConfiguration, "rc", new RouteConfiguration { Name = "rc", VirtualHosts = { Good, Host("later", "later.example", SmallMesh.To("later")) } });
        mesh.Set(TypeUrls.ClusterLoadAssignment, "later", SmallMesh.Endpoints("later", "127.0.0.7"));
        Assert.Contains("127.0.0.7", Assert.Single(mesh.Objects, o => o.Key.StartsWith("/upstreams/later", StringComparison.Ordinal)).Value, StringComparison.Ordinal);

        // And the bad one is well again with its next version.
        Cluster good = SmallMesh.Cluster("good");
        good.ConnectTimeout = new Duration { Seconds = 7 };
        mesh.Set(TypeUrls.Cluster, "good", good);
        Assert.Empty(mesh.Translator.Diagnostics);
        mesh.Set(TypeUrls.ClusterLoadAssignment, "good", SmallMesh.Endpoints("good", "127.0.0.8"));
        string upstream = Assert.Single(mesh.Objects, o => o.Key.StartsWith("/upstreams/good", StringComparison.Ordinal)).Value;
        Assert.Contains("127.0.0.8", upstream, StringComparison.Ordinal);
        Assert.Contains("\"connect\":7", upstream, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_filter_chain_whose_translation_fails_closes_its_connections()
    {
        using var mesh = new SmallMesh(Good);
        Any broken = Any.Pack(new Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxy());
        broken.Value = ByteString.CopyFrom(0x0a, 0x7f);
        Any good = Any.Pack(new HttpConnectionManager { Rds = new Rds { RouteConfigName = "rc" } });
        FilterChain Narrow(bool isBroken) => new()
        {
            Name = "narrow",
            FilterChainMatch = new FilterChainMatch { ServerNames = { "a.example" } },
            Filters = { new Filter { Name = "last", TypedConfig = isBroken ? broken : good } },
        };
        Listener Of(params FilterChain[] chains) => new()
        {
            Name = "l",
            Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = 80 } },
            FilterChains = { chains },
        };
        var broad = new FilterChain { Filters = { new Filter { Name = "http", TypedConfig = good } } };

        // Left out, it would leave them to the broader chain.
        mesh.Set(TypeUrls.Listener, "l", Of(broad, Narrow(true)));
        Assert.Contains(mesh.Translator.Diagnostics, d => d.Severity == Severity.Refused);
        Assert.Contains("{\"name\":\"narrow\",\"server_names\":[\"a.example\"]}", TheListener(mesh), StringComparison.Ordinal);

        // One that was good stays as it was.
        mesh.Set(TypeUrls.Listener, "l", Of(broad, Narrow(false)));
        string before = TheListener(mesh);
        Assert.DoesNotContain("[\"a.example\"]}", before, StringComparison.Ordinal);
        mesh.Set(TypeUrls.Listener, "l", Of(broad, Narrow(true)));
        Assert.Equal(before, TheListener(mesh));

        static string TheListener(SmallMesh mesh) => Assert.Single(mesh.Objects, o => o.Key.StartsWith("/listeners/", StringComparison.Ordinal)).Value;
    }

    [Fact]
    public void A_name_that_breaks_something_of_ours_breaks_nothing_else()
    {
        using var mesh = new SmallMesh(Good);
        mesh.Set(TypeUrls.RouteConfiguration, "rc", new RouteConfiguration { Name = "rc", VirtualHosts = { Good, Host("bad", "bad.example", SmallMesh.To("no\nsubset")) } });
        Assert.Contains(mesh.Translator.Diagnostics, d => d.Severity == Severity.Refused);

        mesh.Set(TypeUrls.RouteConfiguration, "rc", new RouteConfiguration { Name = "rc", VirtualHosts = { Good, Host("new", "new.example", SmallMesh.To("good")) } });
        Assert.Contains(mesh.Objects.Keys, key => key.StartsWith("/virtual_hosts/new", StringComparison.Ordinal));
        Assert.Empty(mesh.Translator.Diagnostics);
    }

    [Fact]
    public void Ten_thousand_domains_are_one_virtual_host()
    {
        VirtualHost many = Host("many", "many.example", new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "good" } });
        many.Domains.AddRange(Enumerable.Range(0, 10_000).Select(i => $"host-{i}.example"));
        IReadOnlyDictionary<string, string> objects = Told(null, "", many);
        Assert.Contains("host-9999.example", Assert.Single(objects, o => o.Key.StartsWith("/virtual_hosts/many", StringComparison.Ordinal)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Domains_that_APISIX_has_no_form_for_do_not_cost_the_route()
    {
        IReadOnlyDictionary<string, string> objects = Told(Severity.Near, "domains", Host("odd", "odd.*",
            new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "good" } }));
        Assert.Contains(objects.Values, json => json.Contains("\"domains\":[\"odd.*\"]", StringComparison.Ordinal));
        Assert.DoesNotContain(objects.Values, json => json.Contains("\"hosts\":[\"odd.*\"]", StringComparison.Ordinal));
    }

    // Adds a virtual host to a good mesh: what is told, and that the good objects are what they are without it.
    private static IReadOnlyDictionary<string, string> Told(Severity? severity, string field, VirtualHost bad)
    {
        using var without = new SmallMesh(Good);
        using var with = new SmallMesh(Good, bad);

        Assert.Empty(without.Translator.Diagnostics);
        if (severity is null)
        {
            Assert.Empty(with.Translator.Diagnostics);
        }
        else
        {
            Diagnostic diagnostic = Assert.Single(with.Translator.Diagnostics);
            Assert.Equal(severity, diagnostic.Severity);
            Assert.Contains(field, diagnostic.Field, StringComparison.Ordinal);
        }

        foreach ((string key, string json) in without.Objects)
        {
            Assert.Equal(json, with.Objects[key]);
        }

        return with.Objects;
    }

    private static VirtualHost Host(string name, string domain, Route route) => new() { Name = name, Domains = { domain }, Routes = { route } };

    private sealed class SmallMesh : IDisposable
    {
        private readonly ResourceStore _store;

        public SmallMesh(params VirtualHost[] hosts)
        {
            _store = new ResourceStore(Translator);
            Translator.ReadFrom(_store);
            Set(TypeUrls.Cluster, "good", Cluster("good"));
            Set(TypeUrls.Listener, "l", new Listener
            {
                Name = "l",
                Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = 80 } },
                FilterChains =
                {
                    new FilterChain { Filters = { new Filter { Name = "http", TypedConfig = Any.Pack(new HttpConnectionManager { Rds = new Rds { RouteConfigName = "rc" } }) } } },
                },
            });
            Set(TypeUrls.RouteConfiguration, "rc", new RouteConfiguration { Name = "rc", VirtualHosts = { hosts } });
            Set(TypeUrls.ClusterLoadAssignment, "good", Endpoints("good", "127.0.0.1"));
        }

        public Translator Translator { get; } = new();

        public IReadOnlyDictionary<string, string> Objects => MeshRun.Texts(Translator.Objects);

        public static Cluster Cluster(string name) => new() { Name = name, Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Eds };

        public static Route To(string cluster) => new() { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = cluster } };

        public static ClusterLoadAssignment Endpoints(string name, string address) =>
            new() { ClusterName = name, Endpoints = { new LocalityLbEndpoints { LbEndpoints = { EndpointAt(address, 80) } } } };

        public static LbEndpoint EndpointAt(string address, uint port) => new()
        {
            Endpoint = new Envoy.Config.Endpoint.V3.Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = address, PortValue = port } } },
        };

        public void Set(string typeUrl, string name, IMessage message) => Set((typeUrl, name, message));

        public void Set(params (string TypeUrl, string Name, IMessage Message)[] batch)
        {
            foreach ((string typeUrl, string name, IMessage message) in batch)
            {
                Assert.Empty(_store.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));
            }

            _store.Quiet();
        }

        public void Dispose() => Translator.Accept();
    }
}
