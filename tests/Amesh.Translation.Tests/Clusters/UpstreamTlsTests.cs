using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Amesh.Translation.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;

namespace Amesh.Translation.Tests.Clusters;

public class UpstreamTlsTests
{
    private readonly List<Diagnostic> _told = [];

    [Fact]
    public void No_socket_and_a_raw_one_are_plain_text()
    {
        Assert.Null(Tls(new Cluster { Name = "c" }));
        Assert.Null(Tls(new Cluster { Name = "c", TransportSocket = Socket(new RawBuffer()) }));
    }

    [Fact]
    public void Istios_own_mutual_tls_names_its_secrets_checks_the_servers_name_and_offers_http_as_its_filter_does()
    {
        TlsContext context = Tls(new Cluster { Name = "c", TransportSocket = Socket(Istio("outbound_.9080_._.reviews")) })!;

        Assert.Equal("outbound_.9080_._.reviews", context.Sni);
        Assert.Equal(ObjectId.From("agent default"), context.Certificate);
        Assert.Equal(ObjectId.From("agent ROOTCA"), context.Validation);
        Assert.Equal([new SanMatch("any") { Exact = "spiffe://cluster.local/ns/default/sa/reviews" }], context.Sans);
        Assert.Equal(["istio-peer-exchange", "istio"], context.Alpn);
        Assert.Equal(["istio-http/1.1", "istio", "http/1.1"], context.AlpnHttp);
        Assert.Equal(("TLSv1.2", "TLSv1.3"), (context.MinVersion, context.MaxVersion));
        Assert.Null(context.Verify);
        Assert.Empty(_told);
    }

    [Fact]
    public void The_systems_authorities_are_no_secret()
    {
        var tls = new UpstreamTlsContext { CommonTlsContext = new CommonTlsContext { CombinedValidationContext = new() } };
        tls.CommonTlsContext.CombinedValidationContext.ValidationContextSdsSecretConfig = Sds("file-root:system");
        TlsContext context = Tls(new Cluster { Name = "c", TransportSocket = Socket(tls) })!;
        Assert.True(context.SystemCa);
        Assert.Null(context.Validation);
        Assert.Null(context.Verify);

        context = Tls(new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext { CommonTlsContext = new() { ValidationContext = new() { SystemRootCerts = new() } } }) })!;
        Assert.True(context.SystemCa);
    }

    [Fact]
    public void Nothing_is_checked_only_where_nothing_is_asked_for()
    {
        Assert.False(Tls(new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext()) })!.Verify);

        var names = new CertificateValidationContext { MatchTypedSubjectAltNames = { new SubjectAltNameMatcher { SanType = SubjectAltNameMatcher.Types.SanType.Dns, Matcher = new StringMatcher { Exact = "a" } } } };
        Assert.Null(Tls(new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext { CommonTlsContext = new() { ValidationContext = names } }) })!.Verify);

        var hashes = new CertificateValidationContext { VerifyCertificateHash = { "00" } };
        TlsContext context = Tls(new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext { CommonTlsContext = new() { ValidationContext = hashes } }) })!;
        Assert.Null(context.Verify);
        Assert.NotNull(context.Validation);
        Assert.Contains(_told, d => d.Field.EndsWith("verify_certificate_hash", StringComparison.Ordinal) && d.Severity == Severity.Refused);
    }

    [Fact]
    public void A_certificate_that_is_written_in_the_cluster_is_a_secret_of_its_own_and_a_bad_one_leaves_a_context_that_cannot_be_used()
    {
        (string certificate, string key) = Pems.Pair();
        var common = new CommonTlsContext
        {
            TlsCertificates = { new TlsCertificate { CertificateChain = Text(certificate), PrivateKey = Text(key) } },
            ValidationContext = new CertificateValidationContext { TrustedCa = Text(certificate) },
        };
        var cluster = new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext { CommonTlsContext = common }) };
        ApisixObject[] objects = [.. Translate(cluster)];
        TlsContext context = Assert.Single(objects.OfType<TlsContext>());
        Apisix.Secret[] secrets = [.. objects.OfType<Apisix.Secret>()];
        Assert.Equal([context.Certificate, context.Validation], secrets.Select(secret => secret.Id));
        Assert.Equal((certificate, key), (secrets[0].Certificate, secrets[0].PrivateKey));
        Assert.Equal(certificate, secrets[1].Ca);

        common.TlsCertificates[0].PrivateKey = Text(Pems.Pair().Key);
        cluster.TransportSocket = Socket(new UpstreamTlsContext { CommonTlsContext = common });
        objects = [.. Translate(cluster)];
        Assert.Equal(context.Certificate, Assert.Single(objects.OfType<TlsContext>()).Certificate);
        Assert.Equal([context.Validation], objects.OfType<Apisix.Secret>().Select(secret => secret.Id));
        Diagnostic told = Assert.Single(_told);
        Assert.Contains("the private key is not that of the certificate", told.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Endpoints_are_connected_to_as_the_first_match_of_their_own_marks_says_then_of_their_localitys_then_as_the_cluster_says()
    {
        var cluster = new Cluster { Name = "c", TransportSocket = Socket(new RawBuffer()) };
        cluster.TransportSocketMatches.Add(Match("mutual", ("tlsMode", "istio"), Socket(Istio("a"))));
        cluster.TransportSocketMatches.Add(Match("simple", ("tlsMode", "simple"), Socket(new UpstreamTlsContext { Sni = "b" })));

        ApisixObject[] objects = [.. Translate(
            cluster,
            Locality(null, At("127.0.0.1", "istio", 3), At("127.0.0.2", null, 2), At("127.0.0.3", "other", 1)),
            Locality("simple", At("127.0.0.4", null, 4), At("127.0.0.5", "istio", 5)))];

        Dictionary<string, Upstream> upstreams = objects.OfType<Upstream>().ToDictionary(upstream => upstream.Id);
        Upstream first = (Upstream)objects[0];
        Assert.Equal(ObjectId.From("c"), first.Id);
        string[] groups = first.Labels!["amesh_groups"].Split(',');
        Assert.Equal(["8", "4", "3"], groups.Select(group => group.Split('=')[1]));
        Assert.Equal(upstreams.Keys, groups.Select(group => group.Split('=')[0]));
        Assert.Equal(
            ["127.0.0.1 127.0.0.5", "127.0.0.4", "127.0.0.2 127.0.0.3"],
            groups.Select(group => string.Join(' ', upstreams[group.Split('=')[0]].Nodes.Select(node => node.Host))));
        Assert.Equal(["https", "https", "http"], upstreams.Values.Select(upstream => upstream.Scheme));
        Assert.Equal(["a", "b", null], upstreams.Values.Select(upstream => ContextOf(upstream, objects)?.Sni));
        Assert.All(upstreams.Values.Skip(1), upstream => Assert.False(upstream.Labels?.ContainsKey("amesh_groups") == true));

        // one cluster to its circuit breakers
        cluster.CircuitBreakers = new CircuitBreakers { Thresholds = { new CircuitBreakers.Types.Thresholds { MaxConnections = 5 } } };
        Assert.Equal(
            [null, ObjectId.From("c"), ObjectId.From("c")],
            Translate(cluster, Locality("simple", At("127.0.0.1", "istio", 3), At("127.0.0.2", null, 2), At("127.0.0.3", "other", 1)), Locality(null, At("127.0.0.4", null, 4)))
                .OfType<Upstream>().Select(upstream => upstream.Labels!.GetValueOrDefault("amesh_cluster")));
    }

    [Fact]
    public void Where_all_endpoints_are_of_one_kind_there_is_one_upstream()
    {
        var cluster = new Cluster { Name = "c" };
        cluster.TransportSocketMatches.Add(Match("mutual", ("tlsMode", "istio"), Socket(Istio("a"))));
        Upstream mutual = Assert.Single(Translate(cluster, Locality(null, At("127.0.0.1", "istio", 1))).OfType<Upstream>());
        Assert.Equal((ObjectId.From("c"), "https"), (mutual.Id, mutual.Scheme));
        Assert.Equal("amesh_tls", Assert.Single(mutual.Labels!).Key);

        Upstream plain = Assert.Single(Translate(cluster, Locality(null, At("127.0.0.1", null, 1))).OfType<Upstream>());
        Assert.Equal((ObjectId.From("c"), "http"), (plain.Id, plain.Scheme));
        Assert.Null(plain.Labels);
    }

    [Fact]
    public void A_socket_that_is_not_known_gets_no_plain_text()
    {
        var cluster = new Cluster { Name = "c", TransportSocket = Socket(new StringValue { Value = "x" }) };
        Upstream upstream = Assert.Single(Translate(cluster, Locality(null, At("127.0.0.1", null, 1))).OfType<Upstream>());
        Assert.Empty(upstream.Nodes);
        Assert.Equal("https", upstream.Scheme);
        Assert.Equal(Severity.Refused, Assert.Single(_told).Severity);
    }

    [Fact]
    public void A_connections_own_destination_is_not_spoken_to_in_plain_text_where_the_cluster_says_tls()
    {
        var cluster = new Cluster { Name = "c", Type = Cluster.Types.DiscoveryType.OriginalDst, TransportSocket = Socket(new UpstreamTlsContext()) };
        Assert.Equal(ClusterKind.Other, ClusterModel.From(cluster, new DataReader(), new DiagnosticScope("c", _told)).Kind);
        Assert.Equal("transport_socket", Assert.Single(_told).Field);
    }

    [Fact]
    public void Server_names_come_from_the_request_or_from_the_endpoint_where_the_cluster_says_so()
    {
        var options = new HttpProtocolOptions { UpstreamHttpProtocolOptions = new UpstreamHttpProtocolOptions { AutoSni = true, AutoSanValidation = true } };
        var cluster = new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext()), TypedExtensionProtocolOptions = { ["x"] = Any.Pack(options) } };
        TlsContext context = Tls(cluster)!;
        Assert.Equal((true, true), (context.AutoSni, context.AutoSan));

        cluster = new Cluster { Name = "c", TransportSocket = Socket(new UpstreamTlsContext { Sni = "s", AutoHostSni = true, AutoSniSanValidation = true }) };
        ApisixObject[] objects = [.. Translate(cluster, Locality(null, At("127.0.0.1", null, 1, "a.example"), At("127.0.0.2", null, 1, "b.example"), At("127.0.0.3", null, 1)))];
        Assert.Equal(["s", "a.example", "b.example"], objects.OfType<Upstream>().Select(upstream => ContextOf(upstream, objects)!.Sni));
        Assert.Equal("b.example", Assert.Single(ContextOf(objects.OfType<Upstream>().Last(), objects)!.Sans!).Exact);
    }

    private static TlsContext? ContextOf(Upstream upstream, IEnumerable<ApisixObject> objects) =>
        upstream.Labels?.GetValueOrDefault("amesh_tls") is { } id ? objects.OfType<TlsContext>().Single(context => context.Id == id) : null;

    private TlsContext? Tls(Cluster cluster) => Translate(cluster).OfType<TlsContext>().SingleOrDefault();

    private IReadOnlyList<ApisixObject> Translate(Cluster cluster, params LocalityLbEndpoints[] localities)
    {
        _told.Clear();
        var diagnostics = new DiagnosticScope("c", _told);
        ClusterModel model = ClusterModel.From(cluster, new DataReader(), diagnostics);
        return UpstreamTranslator.Translate(model, Assignment.From(new ClusterLoadAssignment { Endpoints = { localities } }, diagnostics));
    }

    private static UpstreamTlsContext Istio(string sni) => new()
    {
        Sni = sni,
        CommonTlsContext = new CommonTlsContext
        {
            TlsParams = new TlsParameters { TlsMinimumProtocolVersion = TlsParameters.Types.TlsProtocol.Tlsv12, TlsMaximumProtocolVersion = TlsParameters.Types.TlsProtocol.Tlsv13 },
            TlsCertificateSdsSecretConfigs = { Sds("default") },
            CombinedValidationContext = new()
            {
                DefaultValidationContext = new CertificateValidationContext { MatchSubjectAltNames = { new StringMatcher { Exact = "spiffe://cluster.local/ns/default/sa/reviews" } } },
                ValidationContextSdsSecretConfig = Sds("ROOTCA"),
            },
            AlpnProtocols = { "istio-peer-exchange", "istio" },
        },
    };

    private static SdsSecretConfig Sds(string name) => new() { Name = name, SdsConfig = new ConfigSource { ApiConfigSource = new ApiConfigSource() } };

    private static DataSource Text(string text) => new() { InlineString = text };

    private static TransportSocket Socket(IMessage context) => new() { TypedConfig = Any.Pack(context) };

    private static Cluster.Types.TransportSocketMatch Match(string name, (string Key, string Value) mark, TransportSocket socket) => new()
    {
        Name = name,
        Match = new Struct { Fields = { [mark.Key] = Value.ForString(mark.Value) } },
        TransportSocket = socket,
    };

    private static LocalityLbEndpoints Locality(string? mode, params LbEndpoint[] endpoints) => new() { Metadata = Marks(mode), LbEndpoints = { endpoints } };

    private static LbEndpoint At(string address, string? mode, uint weight, string hostName = "") => new()
    {
        Metadata = Marks(mode),
        LoadBalancingWeight = weight,
        Endpoint = new Envoy.Config.Endpoint.V3.Endpoint
        {
            Hostname = hostName,
            Address = new Address { SocketAddress = new SocketAddress { Address = address, PortValue = 80 } },
        },
    };

    private static Metadata? Marks(string? mode) => mode is null
        ? null
        : new Metadata { FilterMetadata = { ["envoy.transport_socket_match"] = new Struct { Fields = { ["tlsMode"] = Value.ForString(mode) } } } };
}
