using System.Security.Cryptography.X509Certificates;
using Amesh.Harness.Certificates;
using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Tests;

public sealed class CertificateTests : IDisposable
{
    private readonly RunAuthority _authority = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("amesh-certificates-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("istio/protocols", "127.0.11.1:8080", "spiffe://cluster.local/ns/default/sa/vm")]
    [InlineData("kuma/bookinfo", "127.0.3.1:9080", "spiffe://bookinfo.test/ns/default/app/reviews")]
    [InlineData("consul/bookinfo", "127.0.6.1:9080", "spiffe://cccf914a-c5b1-cd5b-f10c-d2d444544ca2.consul/ns/default/dc/dc1/svc/ratings")]
    public void AnEndpointPresentsTheIdentityThatItsClusterExpects(string scenario, string address, string identity)
    {
        var expected = RecordedMesh.Read(Repository.Sample(scenario)).Identities;
        Assert.Contains(identity, expected[address]);
        Assert.Equal(expected[address].Order(), UrisOf(new EndpointCertificates(_authority, expected).Of(address)).Order());
    }

    [Fact]
    public async Task AClientShowsTheCertificateOfItsName()
    {
        await using var server = new EndpointServer();
        server.Listen("127.77.0.3:19080");
        var client = new VerdictClient(new ClientCertificates(_authority));
        async Task<string?> PeerAsync(string? name) =>
            (await client.SendAsync("case", new SentRequest { To = "127.77.0.3:19080", Proto = "https", Sni = "outbound_.9080_._.reviews.default.svc.cluster.local", Alpn = ["istio"], Client = name })).Report!.Peer;
        Assert.Equal("spiffe://cluster.local/ns/retail/sa/client", await PeerAsync("retail"));
        Assert.Equal("spiffe://cluster.local/ns/ops/sa/night", await PeerAsync("ops-night"));
        Assert.Null(await PeerAsync(null));
    }

    [Fact]
    public async Task AnUnusualServerNameArrivesAsItWasSent()
    {
        await using var server = new EndpointServer();
        server.Listen("127.77.0.4:19080");
        foreach (var name in new[] { "outbound_.9080_._.details.default.svc.cluster.local", "x" })
        {
            var reply = await new VerdictClient().SendAsync("case", new SentRequest { To = "127.77.0.4:19080", Proto = "https", Sni = name });
            Assert.Equal(name, reply.Report!.Sni);
        }
    }

    [Fact]
    public void TheShopsClientIsSignedByTheGatewaysCertificate()
    {
        var recorded = RecordedMesh.Read(Repository.Sample("istio/gateway")).Steps[^1].State.CertificateOf("kubernetes://shop-cert");
        var client = new ClientCertificates(_authority, recorded).Of("shop-client");
        using var shop = X509Certificate2.CreateFromPem(recorded!.Value.Chain);
        Assert.Equal(("CN=shop-client", shop.Subject), (client.Subject, client.Issuer));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(shop);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.Build(client);
        Assert.DoesNotContain(chain.ChainStatus, static status => status.Status is X509ChainStatusFlags.NotSignatureValid or X509ChainStatusFlags.PartialChain);
    }

    [Theory]
    [InlineData("istio/protocols", "delta", "default", "spiffe://cluster.local/ns/default/sa/client")]
    [InlineData("istio/security", "sotw", "default", "spiffe://cluster.local/ns/default/sa/shop")]
    [InlineData("kuma/bookinfo", "delta", "kri_mid_default_default__bookinfo-id_", "spiffe://bookinfo.test/ns/default/app/productpage")]
    [InlineData("kuma/bookinfo-2.14", "sotw", "identity_cert:secret:default", "spiffe://default/productpage")]
    public void TheProxysOwnCertificateIsOfTheRunsAuthority(string scenario, string protocol, string secret, string identity)
    {
        var rewritten = Rewritten(scenario, isGateway: false, protocol);
        var (chain, key) = rewritten.Steps.Select(step => step.State.CertificateOf(secret)).OfType<(string, string)>().Last();
        using var certificate = X509Certificate2.CreateFromPem(chain, key);
        Assert.Equal(identity, RunAuthority.Identity(certificate));
        Assert.Equal(_authority.Certificate.Subject, certificate.Issuer);
    }

    [Fact]
    public void InlineCertificatesAndAuthoritiesAreReplaced()
    {
        _ = Rewritten("consul/bookinfo", isGateway: false, "delta");
        var text = System.Text.Encoding.Latin1.GetString(Unzipped("delta"));
        Assert.Contains(_authority.Pem, text, StringComparison.Ordinal);
        var before = RecordedMesh.Read(Repository.Sample("consul/bookinfo"));
        Assert.NotEmpty(before.Identities);
        // The recorded authority's name is in every certificate that it signed.
        Assert.DoesNotContain(Certificates(text), static certificate => certificate.Issuer.Contains("consul", StringComparison.Ordinal));
        Assert.Contains(Certificates(text), certificate => RunAuthority.Identity(certificate)?.EndsWith("/svc/productpage", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void AGatewaysSecretsStayAsRecorded()
    {
        var rewritten = Rewritten("istio/gateway", isGateway: true, "delta");
        var before = RecordedMesh.Read(Repository.Sample("istio/gateway"));
        Assert.Equal(before.Steps[^1].State.CertificateOf("kubernetes://bookinfo-cert"), rewritten.Steps[^1].State.CertificateOf("kubernetes://bookinfo-cert"));
    }

    [Theory]
    [InlineData("delta")]
    [InlineData("sotw")]
    public void AllElseIsAsRecorded(string protocol)
    {
        var before = RecordedMesh.Read(Repository.Sample("istio/bookinfo"), protocol);
        var rewritten = Rewritten("istio/bookinfo", isGateway: false, protocol);
        Assert.Equal(before.Steps.Select(static step => step.Name), rewritten.Steps.Select(static step => step.Name));
        Assert.All(before.Steps.Zip(rewritten.Steps), static pair => Assert.Equal(pair.First.Set, pair.Second.Set.Where(static name => !name.StartsWith("Secret/", StringComparison.Ordinal))));
        Assert.Equal(before.Addresses, rewritten.Addresses);
    }

    private RecordedMesh Rewritten(string scenario, bool isGateway, string protocol)
    {
        RewrittenRecording.Write(Repository.Sample(scenario), _folder, _authority, isGateway);
        return RecordedMesh.Read(_folder, protocol);
    }

    private byte[] Unzipped(string protocol)
    {
        using var file = new System.IO.Compression.GZipStream(File.OpenRead(Path.Combine(_folder, protocol + ".pb.gz")), System.IO.Compression.CompressionMode.Decompress);
        using var all = new MemoryStream();
        file.CopyTo(all);
        return all.ToArray();
    }

    private static IEnumerable<X509Certificate2> Certificates(string text)
    {
        const string End = "-----END CERTIFICATE-----";
        for (var at = text.IndexOf("-----BEGIN CERTIFICATE", StringComparison.Ordinal); at >= 0; at = text.IndexOf("-----BEGIN CERTIFICATE", at + 1, StringComparison.Ordinal))
        {
            yield return X509Certificate2.CreateFromPem(text.AsSpan(at, text.IndexOf(End, at, StringComparison.Ordinal) + End.Length - at));
        }
    }

    private static IEnumerable<string> UrisOf(X509Certificate2 certificate)
    {
        var names = new System.Formats.Asn1.AsnReader(certificate.Extensions.Single(static extension => extension.Oid!.Value == "2.5.29.17").RawData, System.Formats.Asn1.AsnEncodingRules.DER).ReadSequence();
        var uri = new System.Formats.Asn1.Asn1Tag(System.Formats.Asn1.TagClass.ContextSpecific, 6);
        while (names.HasData)
        {
            yield return names.ReadCharacterString(System.Formats.Asn1.UniversalTagNumber.IA5String, uri);
        }
    }
}
