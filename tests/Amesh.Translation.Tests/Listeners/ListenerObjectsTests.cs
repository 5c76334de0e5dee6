using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Amesh.Apisix;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using EnvoyListener = Envoy.Config.Listener.V3.Listener;
using Secret = Envoy.Extensions.TransportSockets.Tls.V3.Secret;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Translation.Tests.Listeners;

/// <summary>Listeners and filter chains become one object for each destination, and stream routes.</summary>
public class ListenerObjectsTests
{
    private readonly Translator _translator = new();
    private readonly ResourceStore _store;

    public ListenerObjectsTests()
    {
        _store = new ResourceStore(_translator);
        _translator.ReadFrom(_store);
    }

    [Fact]
    public void Each_destination_has_an_object_with_its_chains()
    {
        Set(Listener("l", Chain("a", port: 80), Chain("b", port: 80, transport: "tls"), Chain("c", prefix: "10.1.2.3", length: 8), Chain("d")));

        Assert.Equal(
            [
                "80 [a,b] any",
                "any [c] 10.0.0.0/8",
                "any [d] any",
            ],
            Of("/listeners/").Select(Summary).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_transport_socket_that_is_not_known_closes_the_chain_and_is_not_taken_for_plain_text()
    {
        FilterChain chain = Chain("a", port: 80);
        chain.TransportSocket = new TransportSocket { Name = "alts", TypedConfig = new Any { TypeUrl = "type.googleapis.com/some.Alts" } };
        Set(Listener("l", chain));

        string listener = Assert.Single(Of("/listeners/"));
        Assert.Contains("\"chains\":[{\"name\":\"a\"}]", listener, StringComparison.Ordinal);
        Assert.Contains(_translator.Diagnostics, d => d.Severity == Severity.Refused && d.Field.EndsWith("transport_socket", StringComparison.Ordinal));
    }

    [Fact]
    public void A_default_chain_stands_at_the_object_for_any_destination()
    {
        EnvoyListener listener = Listener("l", Chain("a", port: 80));
        listener.DefaultFilterChain = Chain("ignored", cluster: "rest");
        Set(listener);

        Assert.Equal(2, Of("/listeners/").Count());
        Assert.Single(Of("/listeners/"), json => json.Contains("\"chains\":[],\"default_chain\":{\"name\":\"#default\"", StringComparison.Ordinal));
        Assert.Contains(Of("/stream_routes/"), json => json.Contains("\"upstream_id\":\"rest-", StringComparison.Ordinal));
    }

    [Fact]
    public void A_chain_that_changes_rewrites_the_object_of_its_destination_alone()
    {
        FilterChain[] chains = [.. Enumerable.Range(1, 500).Select(i => Chain("", prefix: $"240.0.{i / 250}.{i % 250}", length: 32, cluster: $"c{i}"))];
        Set(Listener("l", chains));
        _translator.Accept();

        chains[100].Filters[0].TypedConfig = Any.Pack(new TcpProxy { Cluster = "c100", IdleTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(3)) });
        Set(Listener("l", chains));

        // Nobody goes to c101 any longer.
        Assert.Equal([ObjectKind.StreamRoute], _translator.Changes().Set.Select(o => o.Key.Kind));
        Assert.Equal([ObjectKind.Upstream], _translator.Changes().Removed.Select(key => key.Kind));
        _translator.Accept();

        chains[100].FilterChainMatch.PrefixRanges[0].AddressPrefix = "240.9.9.9";
        Set(Listener("l", chains));
        Assert.Equal(1, _translator.Changes().Set.Count(o => o.Key.Kind == ObjectKind.Listener));
        Assert.Equal(1, _translator.Changes().Removed.Count(key => key.Kind == ObjectKind.Listener));
    }

    [Fact]
    public void A_neighbour_that_comes_or_goes_changes_no_other_chain_even_where_chains_have_no_names()
    {
        FilterChain a = Chain("", prefix: "240.0.0.1", length: 32), b = Chain("", prefix: "240.0.0.2", length: 32);
        Set(Listener("l", a, b));
        _translator.Accept();

        Set(Listener("l", Chain("", prefix: "240.0.0.3", length: 32), a, b));
        Assert.Equal([ObjectKind.StreamRoute, ObjectKind.Listener], _translator.Changes().Set.Select(o => o.Key.Kind));
        Assert.Empty(_translator.Changes().Removed);
    }

    [Fact]
    public void The_order_of_chains_says_nothing()
    {
        Set(Listener("l", Chain("a", port: 1), Chain("", transport: "tls"), Chain("a", port: 2), Chain("")));
        IReadOnlyDictionary<string, string> before = MeshRun.Texts(_translator.Objects);
        Set(Listener("l", Chain(""), Chain("a", port: 2), Chain("", transport: "tls"), Chain("a", port: 1)));
        MeshRun.AssertSame(before, MeshRun.Texts(_translator.Objects));
    }

    [Fact]
    public void A_stream_route_follows_the_kind_of_its_cluster()
    {
        FilterChain chain = Chain("a");
        var weighted = new TcpProxy.Types.WeightedCluster();
        weighted.Clusters.Add(new TcpProxy.Types.WeightedCluster.Types.ClusterWeight { Name = "one", Weight = 80 });
        weighted.Clusters.Add(new TcpProxy.Types.WeightedCluster.Types.ClusterWeight { Name = "two", Weight = 20 });
        chain.Filters[0].TypedConfig = Any.Pack(new TcpProxy { WeightedClusters = weighted, IdleTimeout = new Duration(), MaxConnectAttempts = 3, HashPolicy = { new Envoy.Type.V3.HashPolicy { SourceIp = new() } } });
        Set(Listener("l", chain));
        string route = Assert.Single(Of("/stream_routes/"));
        Assert.Contains("\"idle_timeout\":0,\"max_connect_attempts\":3,\"hash_source_ip\":true", route, StringComparison.Ordinal);
        Assert.Equal(2, Of("/upstreams/").Count());

        Set(TypeUrls.Cluster, "two", new Cluster { Name = "two", Type = Cluster.Types.DiscoveryType.OriginalDst });
        Assert.Contains("{\"original_dst\":true,\"original_dst_from\":{\"connect_timeout\":5},\"weight\":20}", Assert.Single(Of("/stream_routes/")), StringComparison.Ordinal);
        Assert.Single(Of("/upstreams/"));
    }

    [Fact]
    public void Inspectors_are_left_out_at_the_ports_where_they_are_disabled()
    {
        EnvoyListener listener = Listener("l", Chain("any"), Chain("p", port: 7000));
        listener.ListenerFilters.Add(Inspector(new TlsInspector(), Range(15006, 15007)));
        listener.ListenerFilters.Add(Inspector(new HttpInspector(), AnyOf(Range(7000, 7001), Range(15006, 15007))));
        listener.ListenerFiltersTimeout = new Duration();
        listener.ContinueOnListenerFiltersTimeout = true;
        Set(listener);

        Assert.Contains("\"inspect\":[\"tls\"],\"inspect_timeout\":0,\"continue_on_timeout\":true", ForPort("7000"), StringComparison.Ordinal);
        Assert.Contains(
            "\"inspect\":[\"tls\",\"http\"],\"inspect_except\":[{\"inspector\":\"tls\",\"from\":15006,\"to\":15006},"
            + "{\"inspector\":\"http\",\"from\":7000,\"to\":7000},{\"inspector\":\"http\",\"from\":15006,\"to\":15006}]",
            ForPort(null),
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_kept_of_bodies_is_said_where_the_listener_says_it()
    {
        EnvoyListener listener = Listener("l", Chain("any"));
        Set(listener);
        Assert.DoesNotContain("buffer_limit", ForPort(null), StringComparison.Ordinal);

        listener.PerConnectionBufferLimitBytes = 32768;
        Set(listener);
        Assert.Contains("\"buffer_limit\":32768,\"chains\"", ForPort(null), StringComparison.Ordinal);
    }

    [Fact]
    public void A_predicate_with_not_and_any_is_worked_out_by_port()
    {
        EnvoyListener listener = Listener("l", Chain("any"), Chain("p", port: 443), Chain("q", port: 80));
        listener.ListenerFilters.Add(Inspector(new TlsInspector(), new ListenerFilterChainMatchPredicate { NotMatch = Range(443, 445) }));
        listener.ListenerFilters.Add(Inspector(new HttpInspector(), new ListenerFilterChainMatchPredicate { AnyMatch = true }));
        Set(listener);

        Assert.Contains("\"inspect\":[\"tls\"],\"inspect_timeout\":15,", ForPort("443"), StringComparison.Ordinal);
        Assert.DoesNotContain("inspect", ForPort("80"), StringComparison.Ordinal);
        Assert.Contains("{\"inspector\":\"tls\",\"from\":0,\"to\":442},{\"inspector\":\"tls\",\"from\":445,\"to\":65535}", ForPort(null), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_in_APISIXs_form_follows_its_secret()
    {
        FilterChain chain = Chain("a");
        chain.FilterChainMatch.ServerNames.Add("*.Shop.example");
        chain.TransportSocket = new TransportSocket
        {
            TypedConfig = Any.Pack(new DownstreamTlsContext
            {
                CommonTlsContext = new CommonTlsContext
                {
                    TlsParams = new TlsParameters { TlsMinimumProtocolVersion = TlsParameters.Types.TlsProtocol.Tlsv12 },
                    TlsCertificateSdsSecretConfigs = { new SdsSecretConfig { Name = "cert", SdsConfig = new ConfigSource { Ads = new AggregatedConfigSource() } } },
                },
            }),
        };
        Set(Listener("l", chain));
        Assert.Empty(Of("/ssls/"));
        string before = Assert.Single(Of("/listeners/"));
        Assert.Contains("\"tls\":{\"ssl\":\"l-a-", before, StringComparison.Ordinal);

        Set(TypeUrls.Secret, "cert", SecretOf("one.example"));
        string one = Assert.Single(Of("/ssls/"));
        Assert.Contains("\"snis\":[\"*.shop.example\"],", one, StringComparison.Ordinal);
        Assert.Contains("\"ssl_protocols\":[\"TLSv1.2\",\"TLSv1.3\"]", one, StringComparison.Ordinal);
        _translator.Accept();

        Set(TypeUrls.Secret, "cert", SecretOf("two.example"));
        Assert.Equal([ObjectKind.Secret, ObjectKind.Ssl], _translator.Changes().Set.Select(o => o.Key.Kind));
        Assert.NotEqual(one, Assert.Single(Of("/ssls/")));
        Assert.Equal(before, Assert.Single(Of("/listeners/")));
    }

    [Fact]
    public void A_listener_for_UDP_is_left_alone()
    {
        EnvoyListener listener = Listener("udp", Chain("a"));
        listener.Address.SocketAddress.Protocol = SocketAddress.Types.Protocol.Udp;
        Set(listener);
        Assert.Empty(Of("/listeners/"));
        Assert.NotEmpty(_translator.Diagnostics);
    }

    [Fact]
    public void A_match_that_makes_no_sense_costs_its_chain_alone()
    {
        FilterChain bad = Chain("bad");
        bad.FilterChainMatch.ServerNames.Add("a.*.example");
        FilterChain worse = Chain("worse", prefix: "10.0.0.0", length: 33);
        Set(Listener("l", bad, Chain("good", port: 80), worse));

        Assert.Equal(["good"], Of("/listeners/").Select(json => json.Split("\"chains\":[{\"name\":\"")[1].Split('"')[0]));
        Assert.Equal(2, _translator.Diagnostics.Count(d => d.Severity == Severity.Refused));
    }

    [Fact]
    public void A_listener_that_goes_leaves_nothing()
    {
        EnvoyListener listener = Listener("l", Chain("a", port: 80), Chain("b"));
        listener.DefaultFilterChain = Chain("");
        Set(listener);
        _store.Apply(new DiscoveryUpdate(TypeUrls.Listener, "2", [], ["l"], false));
        _store.Quiet();
        Assert.Empty(_translator.Objects);
    }

    private static string Summary(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        string port = root.TryGetProperty("destination_port", out JsonElement number) ? number.ToString() : "any";
        string prefix = root.TryGetProperty("destination_prefix", out JsonElement range) ? range.ToString() : "any";
        return $"{port} [{string.Join(',', root.GetProperty("chains").EnumerateArray().Select(chain => chain.GetProperty("name").GetString()))}] {prefix}";
    }

    private static EnvoyListener Listener(string name, params FilterChain[] chains) => new()
    {
        Name = name,
        Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = 15006 } },
        FilterChains = { chains },
    };

    private static FilterChain Chain(string name, uint? port = null, string? prefix = null, uint length = 0, string transport = "", string cluster = "c")
    {
        var match = new FilterChainMatch { DestinationPort = port, TransportProtocol = transport };
        if (prefix is not null)
        {
            match.PrefixRanges.Add(new CidrRange { AddressPrefix = prefix, PrefixLen = length });
        }

        return new FilterChain { Name = name, FilterChainMatch = match, Filters = { new Filter { Name = "tcp", TypedConfig = Any.Pack(new TcpProxy { Cluster = cluster }) } } };
    }

    private static ListenerFilter Inspector(IMessage config, ListenerFilterChainMatchPredicate disabled) =>
        new() { TypedConfig = Any.Pack(config), FilterDisabled = disabled };

    private static ListenerFilterChainMatchPredicate Range(int from, int to) => new() { DestinationPortRange = new Int32Range { Start = from, End = to } };

    private static ListenerFilterChainMatchPredicate AnyOf(params ListenerFilterChainMatchPredicate[] rules) =>
        new() { OrMatch = new ListenerFilterChainMatchPredicate.Types.MatchSet { Rules = { rules } } };

    private static Secret SecretOf(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return new Secret
        {
            Name = "cert",
            TlsCertificate = new TlsCertificate
            {
                CertificateChain = new DataSource { InlineString = certificate.ExportCertificatePem() },
                PrivateKey = new DataSource { InlineString = key.ExportPkcs8PrivateKeyPem() },
            },
        };
    }

    private void Set(EnvoyListener listener) => Set(TypeUrls.Listener, listener.Name, listener);

    private void Set(string typeUrl, string name, IMessage message)
    {
        Assert.Empty(_store.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));
        _store.Quiet();
    }

    private IEnumerable<string> Of(string prefix) => _translator.Objects
        .Where(o => o.Key.ToString().StartsWith(prefix, StringComparison.Ordinal)).Select(o => Encoding.UTF8.GetString(o.Json.Span));

    private string ForPort(string? port) => Assert.Single(Of("/listeners/"), json => port is null
        ? !json.Contains("destination_port", StringComparison.Ordinal)
        : json.Contains($"\"destination_port\":{port},", StringComparison.Ordinal));
}
