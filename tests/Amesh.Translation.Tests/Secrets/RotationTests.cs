using Amesh.Apisix;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Amesh.Xds.Store;
using Amesh.Translation.Tests.Meshes;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;

namespace Amesh.Translation.Tests.Secrets;

/// <summary>A new certificate touches its own object, and what is made of it for a gateway, and nothing else.</summary>
public class RotationTests
{
    [Theory]
    [InlineData("kuma/bookinfo", "mtls")]
    [InlineData("kuma/bookinfo-2.14", "mtls")]
    [InlineData("osm/bookinfo", "base")]
    [InlineData("istio/gateway", "https")]
    public void A_rotated_secret_is_one_changed_object(string recording, string step)
    {
        RecordedState state = RecordedState.AtEachStep(MeshRun.Open(recording), AdsProtocol.Delta).Single(one => one.Step == step);
        var translator = new Translator();
        var store = new ResourceStore(translator);
        translator.ReadFrom(store);
        foreach (string typeUrl in TypeUrls.InOrder)
        {
            Assert.Empty(store.Apply(new DiscoveryUpdate(
                typeUrl, "1", [.. state.Of(typeUrl).Select(resource => new DiscoveryResource(resource.Key, "1", resource.Value))], [], false)));
        }

        store.Quiet();
        translator.Accept();
        int rotated = 0;
        foreach ((string name, ReadOnlyMemory<byte> body) in state.Of(TypeUrls.Secret))
        {
            Envoy.Extensions.TransportSockets.Tls.V3.Secret secret = Envoy.Extensions.TransportSockets.Tls.V3.Secret.Parser.ParseFrom(body.Span);
            if (secret.TypeCase != Envoy.Extensions.TransportSockets.Tls.V3.Secret.TypeOneofCase.TlsCertificate)
            {
                continue;
            }

            (string certificate, string key) = Pems.Pair();
            secret.TlsCertificate = new TlsCertificate { CertificateChain = new DataSource { InlineString = certificate }, PrivateKey = new DataSource { InlineString = key } };
            Assert.Empty(store.Apply(new DiscoveryUpdate(TypeUrls.Secret, "2", [new DiscoveryResource(name, "2", secret.ToByteArray())], [], false)));
            store.Quiet();

            ChangeSet changes = translator.Changes();
            translator.Accept();
            Assert.Empty(changes.Removed);
            Assert.Equal(ObjectId.From(name), Assert.Single(changes.Set, o => o.Key.Kind == ObjectKind.Secret).Key.Id);
            Assert.All(changes.Set, o => Assert.True(Redaction.IsSecret(o.Key.Kind), o.Key.ToString()));
            rotated++;
        }

        Assert.True(rotated > 0);
    }
}
