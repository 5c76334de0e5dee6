using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Tests.Store;

public sealed class SecretTests
{
    private readonly List<UnitChange> _changes = [];
    private readonly ResourceStore _store;

    public SecretTests()
    {
        _store = new ResourceStore(new Taker(_changes));
        _store.Apply(new DiscoveryUpdate(TypeUrls.Listener, "1", [], [], true));
    }

    [Fact]
    public void What_a_cluster_names_is_wanted_of_the_origin_that_it_says_and_no_longer_when_the_cluster_is_gone()
    {
        Give(ClusterOf("c", Sds("identity", new ConfigSource { Ads = new() }), Sds("default", new ConfigSource { ApiConfigSource = new() })));
        Assert.Equal(["identity"], _store.Wanted(SecretOrigin.Ads));
        Assert.Equal(["default"], _store.Wanted(SecretOrigin.Agent));
        Give(SecretOf("identity"));
        Assert.Equal(["identity"], _store.Versions(TypeUrls.Secret).Keys);

        _store.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "2", [], ["c"], false));
        Assert.Empty(_store.Wanted(SecretOrigin.Ads));
        Assert.Empty(_store.Wanted(SecretOrigin.Agent));
        Assert.Empty(_store.Versions(TypeUrls.Secret));
    }

    [Fact]
    public void Names_that_say_a_file_are_wanted_of_files_and_the_systems_authorities_of_nobody()
    {
        var agent = new ConfigSource { ApiConfigSource = new() };
        var path = new ConfigSource { PathConfigSource = new PathConfigSource { Path = "/sds.yaml", WatchedDirectory = new WatchedDirectory { Path = "/d" } } };
        Give(ClusterOf("c", Sds("file-cert:/c.pem~/k.pem", agent), Sds("file-root:system", agent), Sds("s", path)));

        Assert.Empty(_store.Wanted(SecretOrigin.Agent));
        Assert.Equal(["/sds.yaml\ns\n/d", "file-cert:/c.pem~/k.pem"], _store.Wanted(SecretOrigin.Files).Order(StringComparer.Ordinal));
        Assert.Equal(("/sds.yaml", "s", "/d"), SecretOrigin.ParseFileName("/sds.yaml\ns\n/d"));
    }

    [Fact]
    public void A_first_start_waits_for_secrets_of_the_stream_and_for_those_of_an_agent_only_where_there_is_one()
    {
        Give(ClusterOf("c", Sds("default", new ConfigSource { ApiConfigSource = new() })));
        Assert.True(_store.IsComplete);
        _store.Attend(SecretOrigin.Agent);
        Assert.False(_store.IsComplete);
        Give(SecretOf("default"), SecretOrigin.Agent);
        Assert.True(_store.IsComplete);

        Give(ClusterOf("d", Sds("identity", new ConfigSource { Ads = new() })));
        Assert.False(_store.IsComplete);
        Give(SecretOf("identity"));
        Assert.True(_store.IsComplete);
    }

    [Fact]
    public void A_bad_secret_is_refused_alone_keeps_its_last_good_version_and_the_reason_has_nothing_of_its_content()
    {
        var ads = new ConfigSource { Ads = new() };
        Give(ClusterOf("c", Sds("a", ads), Sds("b", ads)));
        Give(SecretOf("a"));
        _store.Quiet();
        _changes.Clear();

        Secret bad = SecretOf("a");
        bad.TlsCertificate.PrivateKey = SecretOf("other").TlsCertificate.PrivateKey;
        IReadOnlyList<RejectedResource> rejected = _store.Apply(new DiscoveryUpdate(TypeUrls.Secret, "2", [Resource(bad), Resource(SecretOf("b"))], [], false));
        _store.Quiet();

        RejectedResource only = Assert.Single(rejected);
        Assert.Equal("a", only.Name);
        Assert.Equal("tls_certificate: the private key is not that of the certificate", only.Reason);
        Assert.Equal("b", Assert.Single(_changes).Key.Resource);
        Assert.Equal("1", _store.Versions(TypeUrls.Secret)["a"]);
    }

    [Theory]
    [InlineData("", "", "there is no PEM certificate in it")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n", "", "cannot be read")]
    [InlineData("good", "SGVsbG8=", "there is no PEM private key for it")]
    [InlineData("good", "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n", "the private key cannot be read")]
    [InlineData("good", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nU0VDUkVU\n-----END ENCRYPTED PRIVATE KEY-----\n", "no password is given")]
    public void Bad_texts_are_told_without_their_content(string certificate, string key, string reason)
    {
        Secret secret = SecretOf("a");
        secret.TlsCertificate.CertificateChain.InlineString = certificate == "good" ? secret.TlsCertificate.CertificateChain.InlineString : certificate;
        secret.TlsCertificate.PrivateKey.InlineString = key;
        Give(ClusterOf("c", Sds("a", new ConfigSource { Ads = new() })));

        string told = Assert.Single(_store.Apply(new DiscoveryUpdate(TypeUrls.Secret, "1", [Resource(secret)], [], false))).Reason;
        Assert.Contains(reason, told, StringComparison.Ordinal);
        Assert.DoesNotContain("U0VDUkVU", told, StringComparison.Ordinal);
        Assert.DoesNotContain("SGVsbG8", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_that_is_taken_back_while_something_names_it_stays()
    {
        Give(ClusterOf("c", Sds("a", new ConfigSource { Ads = new() })));
        Give(SecretOf("a"));
        _store.Apply(new DiscoveryUpdate(TypeUrls.Secret, "2", [], ["a"], false));
        Assert.Equal(["a"], _store.Versions(TypeUrls.Secret).Keys);
    }

    [Fact]
    public void Authorities_must_be_certificates()
    {
        Give(ClusterOf("c", Sds("ca", new ConfigSource { Ads = new() })));
        var secret = new Secret { Name = "ca", ValidationContext = new CertificateValidationContext { TrustedCa = new DataSource { InlineString = "none" } } };
        Assert.Equal(
            "validation_context.trusted_ca: there is no PEM certificate in it",
            Assert.Single(_store.Apply(new DiscoveryUpdate(TypeUrls.Secret, "1", [Resource(secret)], [], false))).Reason);
    }

    internal static SdsSecretConfig Sds(string name, ConfigSource source) => new() { Name = name, SdsConfig = source };

    internal static Cluster ClusterOf(string name, params SdsSecretConfig[] secrets)
    {
        var context = new UpstreamTlsContext { CommonTlsContext = new CommonTlsContext { TlsCertificateSdsSecretConfigs = { secrets } } };
        return new Cluster
        {
            Name = name,
            TransportSocketMatches =
            {
                new Cluster.Types.TransportSocketMatch { TransportSocket = new TransportSocket { TypedConfig = Any.Pack(context) } },
            },
        };
    }

    internal static Secret SecretOf(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return new Secret
        {
            Name = name,
            TlsCertificate = new TlsCertificate
            {
                CertificateChain = new DataSource { InlineString = certificate.ExportCertificatePem() },
                PrivateKey = new DataSource { InlineString = key.ExportECPrivateKeyPem() },
            },
        };
    }

    private void Give(Cluster cluster) =>
        Assert.Empty(_store.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "1", [new DiscoveryResource(cluster.Name, "1", cluster.ToByteArray())], [], false)));

    private void Give(Secret secret, string origin = SecretOrigin.Ads) =>
        Assert.Empty(_store.Apply(new DiscoveryUpdate(origin, "1", [Resource(secret)], [], false)));

    private static DiscoveryResource Resource(Secret secret) => new(secret.Name, "1", secret.ToByteArray());

    private sealed class Taker(List<UnitChange> target) : IUnitHandler
    {
        public void Apply(IReadOnlyList<UnitChange> changes) => target.AddRange(changes);
    }
}
