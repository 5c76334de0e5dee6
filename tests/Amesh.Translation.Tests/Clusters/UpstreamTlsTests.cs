using Amesh.Translation.Clusters;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Clusters;

public class UpstreamTlsTests
{
    [Fact]
    public void A_tls_context_is_tls_with_its_server_name() =>
        Assert.Equal(new UpstreamTls("shop.internal"), UpstreamTls.From(Socket(new UpstreamTlsContext { Sni = "shop.internal" })));

    [Fact]
    public void No_socket_and_a_raw_one_are_plain_text()
    {
        Assert.Null(UpstreamTls.From(null));
        Assert.Null(UpstreamTls.From(Socket(new RawBuffer())));
    }

    [Fact]
    public void A_context_with_a_client_certificate_is_left_out_as_long_as_there_are_none()
    {
        var context = new UpstreamTlsContext { Sni = "a", CommonTlsContext = new CommonTlsContext() };
        context.CommonTlsContext.TlsCertificateSdsSecretConfigs.Add(new SdsSecretConfig { Name = "default" });
        Assert.Null(UpstreamTls.From(Socket(context)));
    }

    private static TransportSocket Socket(IMessage context) => new() { TypedConfig = Any.Pack(context) };
}
