using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Translation.Tests.Warming;

/// <summary>A small mesh in service, a control plane that says what the test tells it, and a clock that the test turns.</summary>
internal sealed class WarmingMesh : IDisposable
{
    private readonly Dictionary<string, SortedDictionary<string, IMessage>> _state = [];
    private readonly bool _isDelta;

    /// <param name="isDelta">How the control plane says it: each resource alone, or all clusters and listeners at any change.</param>
    /// <param name="isLoaded">Whether there is a mesh already.</param>
    public WarmingMesh(bool isDelta = true, bool isLoaded = true)
    {
        _isDelta = isDelta;
        Pipeline = new Pipeline(Sink, Told.Add, time: Time);
        if (isLoaded)
        {
            Set("c", EdsCluster("c"));
            Set("c", Endpoints("c", "10.0.0.1"));
            Set("l", ListenerFor("l", Chain("rc")));
            Set("rc", RoutesTo("rc", "c"));
            Quiet();
            Assert.Single(Sink.Take());
        }
    }

    public KeepingSink Sink { get; } = new();

    public ManualTime Time { get; } = new();

    public List<string> Told { get; } = [];

    public Pipeline Pipeline { get; }

    public ResourceStore Store => Pipeline.Store;

    /// <summary>The listener objects, as one text.</summary>
    public string Listeners => Texts("/listeners/");

    public string VirtualHosts => Texts("/virtual_hosts/");

    public string Upstreams => Texts("/upstreams/");

    /// <summary>Who waits for what.</summary>
    public IEnumerable<string> Waiting => Store.Warming.Select(one => $"{one.Resource}: {string.Join(", ", one.For)}");

    public IEnumerable<string> Incomplete => Store.Incomplete.Select(one => $"{one.Resource}: {string.Join(", ", one.For)}");

    public void Dispose() => Pipeline.Dispose();

    public void Quiet() => Pipeline.Quiet();

    public IReadOnlyList<RejectedResource> Set(string name, IMessage message) => Send(TypeOf(message), name, message);

    public void Remove(string typeUrl, string name)
    {
        _state.GetValueOrDefault(typeUrl)?.Remove(name);
        Pipeline.Apply(_isDelta || !TypeUrls.IsWildcard(typeUrl)
            ? new DiscoveryUpdate(typeUrl, "2", [], [name], false)
            : Whole(typeUrl));
    }

    public IReadOnlyList<RejectedResource> Refused(string typeUrl, string name) =>
        Pipeline.Apply(new DiscoveryUpdate(typeUrl, "2", [new DiscoveryResource(name, "2", new byte[] { 0x0a, 0x7f, 1 })], [], false));

    public static Cluster EdsCluster(string name, string service = "", double? timeout = null, double connectTimeout = 1) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.Eds,
        ConnectTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(connectTimeout)),
        EdsClusterConfig = new Cluster.Types.EdsClusterConfig { ServiceName = service, EdsConfig = Source(timeout) },
    };

    public static ClusterLoadAssignment Endpoints(string name, params string[] hosts) => new()
    {
        ClusterName = name,
        Endpoints =
        {
            new LocalityLbEndpoints
            {
                LbEndpoints =
                {
                    hosts.Select(host => new LbEndpoint
                    {
                        Endpoint = new Endpoint { Address = new Address { SocketAddress = new SocketAddress { Address = host, PortValue = 80 } } },
                    }),
                },
            },
        },
    };

    public static Listener ListenerFor(string name, params FilterChain[] chains) => new()
    {
        Name = name,
        Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = 80 } },
        FilterChains = { chains },
    };

    public static FilterChain Chain(string routeConfig, double? timeout = null, string name = "", uint? port = null, string? secret = null, ConfigSource? from = null)
    {
        var manager = new HttpConnectionManager { Rds = new Rds { RouteConfigName = routeConfig, ConfigSource = Source(timeout) } };
        return ChainOf(manager, name, port, secret, from);
    }

    public static FilterChain Inline(RouteConfiguration routes) => ChainOf(new HttpConnectionManager { RouteConfig = routes });

    public static RouteConfiguration RoutesTo(string name, params string[] clusters) => Pipelines.PipelineTests.Routes(name, clusters);

    private static FilterChain ChainOf(HttpConnectionManager manager, string name = "", uint? port = null, string? secret = null, ConfigSource? from = null)
    {
        var chain = new FilterChain { Name = name, Filters = { new Filter { TypedConfig = Any.Pack(manager) } } };
        if (port is { } number)
        {
            chain.FilterChainMatch = new FilterChainMatch { DestinationPort = number };
        }

        if (secret is not null)
        {
            var context = new DownstreamTlsContext
            {
                CommonTlsContext = new CommonTlsContext { TlsCertificateSdsSecretConfigs = { new SdsSecretConfig { Name = secret, SdsConfig = from ?? Source(null) } } },
            };
            chain.TransportSocket = new TransportSocket { Name = "tls", TypedConfig = Any.Pack(context) };
        }

        return chain;
    }

    private static ConfigSource Source(double? timeout) => new()
    {
        Ads = new AggregatedConfigSource(),
        InitialFetchTimeout = timeout is { } seconds ? Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds)) : null,
    };

    private IReadOnlyList<RejectedResource> Send(string typeUrl, string name, IMessage message)
    {
        if (!_state.TryGetValue(typeUrl, out SortedDictionary<string, IMessage>? resources))
        {
            _state[typeUrl] = resources = [];
        }

        resources[name] = message;
        return Pipeline.Apply(_isDelta || !TypeUrls.IsWildcard(typeUrl)
            ? new DiscoveryUpdate(typeUrl, "2", [Resource(name, message)], [], false)
            : Whole(typeUrl));
    }

    private DiscoveryUpdate Whole(string typeUrl) =>
        new(typeUrl, "2", [.. _state[typeUrl].Select(one => Resource(one.Key, one.Value))], [], true);

    private static DiscoveryResource Resource(string name, IMessage message) => new(name, "2", message.ToByteArray());

    private static string TypeOf(IMessage message) => message switch
    {
        Cluster => TypeUrls.Cluster,
        ClusterLoadAssignment => TypeUrls.ClusterLoadAssignment,
        Listener => TypeUrls.Listener,
        RouteConfiguration => TypeUrls.RouteConfiguration,
        _ => TypeUrls.Secret,
    };

    private string Texts(string prefix) =>
        string.Join('\n', Sink.Held.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(o => o.Value));
}
