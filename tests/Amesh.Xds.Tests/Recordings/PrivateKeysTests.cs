using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Amesh.Xds.Tests.Ads;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Tests.Recordings;

public sealed class PrivateKeysTests
{
    private const string Pem = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n";

    public static TheoryData<string> WithKeys => ["istio/gateway", "kuma/bookinfo", "kuma/bookinfo-2.14", "consul/bookinfo", "osm/bookinfo"];

    [Theory]
    [MemberData(nameof(WithKeys))]
    public void No_key_of_a_recorded_mesh_is_left_and_everything_else_is(string name)
    {
        Recording recording = Recording.Open(Repository.Sample(name));
        int changed = 0;
        foreach (AdsProtocol protocol in recording.Protocols)
        {
            foreach (RecordedEvent recorded in recording.Stream(protocol).Events.Where(recorded => recorded.IsResponse))
            {
                ReadOnlyMemory<byte> clean = PrivateKeys.Remove(recorded.Message, delta: protocol == AdsProtocol.Delta);
                Assert.True(clean.Span.IndexOf("PRIVATE KEY"u8) < 0);
                Response before = Dialect.Of(protocol).Read(recorded.Message), after = Dialect.Of(protocol).Read(clean);
                Assert.Equal(before.Resources.Select(resource => (resource.Name, resource.Version)), after.Resources.Select(resource => (resource.Name, resource.Version)));
                Assert.Equal((before.Nonce, before.Version, before.TypeUrl), (after.Nonce, after.Version, after.TypeUrl));
                Assert.All(before.Resources.Zip(after.Resources), pair =>
                    Assert.Equal(pair.First.Body.Span.IndexOf("PRIVATE KEY"u8) < 0, pair.First.Body.Span.SequenceEqual(pair.Second.Body.Span)));
                changed += clean.Span.SequenceEqual(recorded.Message.Span) ? 0 : 1;
            }
        }

        Assert.True(changed > 0);
    }

    [Fact]
    public void A_secret_loses_its_key_and_password_and_keeps_its_certificate()
    {
        var secret = new Secret
        {
            Name = "s",
            TlsCertificate = new TlsCertificate
            {
                CertificateChain = new DataSource { InlineString = "chain" },
                PrivateKey = new DataSource { InlineBytes = ByteString.CopyFrom(1, 2, 3) },
                Password = new DataSource { InlineString = "hunter2" },
            },
        };
        Secret clean = Secret.Parser.ParseFrom(CleanedBody(secret));
        Assert.Equal("chain", clean.TlsCertificate.CertificateChain.InlineString);
        Assert.Equal(PrivateKeys.Placeholder, clean.TlsCertificate.PrivateKey.InlineString);
        Assert.Equal(PrivateKeys.Placeholder, clean.TlsCertificate.Password.InlineString);
    }

    [Theory]
    [InlineData("""{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""", false)]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}]}""", false)]
    [InlineData("no JSON", false)]
    [InlineData("""{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}""", true)]
    public void A_key_set_with_secret_keys_goes_and_a_public_one_stays(string keys, bool stays)
    {
        var filter = new JwtAuthentication { Providers = { ["p"] = new JwtProvider { Issuer = "i", LocalJwks = new DataSource { InlineString = keys } } } };
        var manager = new HttpConnectionManager { HttpFilters = { new HttpFilter { Name = "jwt", TypedConfig = Any.Pack(filter) } } };
        var listener = new Listener { Name = "l", FilterChains = { new FilterChain { Filters = { new Envoy.Config.Listener.V3.Filter { Name = "http", TypedConfig = Any.Pack(manager) } } } } };
        Listener clean = Listener.Parser.ParseFrom(CleanedBody(listener));
        JwtProvider provider = clean.FilterChains[0].Filters[0].TypedConfig.Unpack<HttpConnectionManager>().HttpFilters[0].TypedConfig.Unpack<JwtAuthentication>().Providers["p"];
        Assert.Equal("i", provider.Issuer);
        Assert.Equal(stays ? keys : PrivateKeys.Placeholder, provider.LocalJwks.InlineString);
    }

    [Fact]
    public void The_name_of_a_file_stays()
    {
        var secret = new Secret { Name = "s", TlsCertificate = new TlsCertificate { PrivateKey = new DataSource { Filename = "/key.pem" } } };
        Assert.Equal(secret, Secret.Parser.ParseFrom(CleanedBody(secret)));
    }

    [Fact]
    public void A_key_inside_a_transport_socket_is_found()
    {
        var context = new UpstreamTlsContext { CommonTlsContext = new() { TlsCertificates = { new TlsCertificate { PrivateKey = new DataSource { InlineString = "der or whatever" } } } } };
        var cluster = new Cluster { Name = "c", TransportSocket = new TransportSocket { Name = "tls", TypedConfig = Any.Pack(context) } };
        Cluster clean = Cluster.Parser.ParseFrom(CleanedBody(cluster));
        Assert.Equal(PrivateKeys.Placeholder, clean.TransportSocket.TypedConfig.Unpack<UpstreamTlsContext>().CommonTlsContext.TlsCertificates[0].PrivateKey.InlineString);
    }

    [Fact]
    public void A_pem_key_inside_a_type_that_we_do_not_have_is_found()
    {
        byte[] inner = [0x12, (byte)Pem.Length, .. System.Text.Encoding.ASCII.GetBytes(Pem)];
        byte[] outer = [0x0a, 3, (byte)'a', (byte)'b', (byte)'c', 0x1a, (byte)inner.Length, .. inner];
        var cluster = new Cluster { Name = "c", TransportSocket = new TransportSocket { TypedConfig = new Any { TypeUrl = "type.googleapis.com/who.Knows", Value = ByteString.CopyFrom(outer) } } };
        byte[] clean = CleanedBody(cluster);
        Assert.True(clean.AsSpan().IndexOf("PRIVATE KEY"u8) < 0);
        byte[] value = Cluster.Parser.ParseFrom(clean).TransportSocket.TypedConfig.Value.ToByteArray();
        Assert.Equal([0x0a, 3, (byte)'a', (byte)'b', (byte)'c', 0x1a, 10, 0x12, 8, .. "REDACTED"u8], value);
    }

    private static byte[] CleanedBody(IMessage message)
    {
        string typeUrl = "type.googleapis.com/" + message.Descriptor.FullName;
        DeltaDiscoveryResponse response = Some.Delta(typeUrl, "1", message);
        return DeltaDiscoveryResponse.Parser.ParseFrom(PrivateKeys.Remove(response.ToByteArray(), delta: true).Span).Resources[0].Resource_.Value.ToByteArray();
    }
}
