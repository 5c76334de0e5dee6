using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Translation.Clusters;

/// <summary>TLS towards a cluster's endpoints.</summary>
/// <param name="Sni">The server name that is asked for; empty for none.</param>
internal sealed record UpstreamTls(string Sni)
{
    /// <summary>The label of an upstream that says the server name, which APISIX always takes from Host.</summary>
    public const string Label = "amesh_sni";

    /// <summary>
    /// Null where requests go out in plain text. A context that wants a client's certificate is left out as a whole, as long
    /// as there are none: its endpoints would refuse the connection.
    /// </summary>
    public static UpstreamTls? From(TransportSocket? socket) =>
        socket?.TypedConfig?.Is(UpstreamTlsContext.Descriptor) == true
        && socket.TypedConfig.Unpack<UpstreamTlsContext>() is var context
        && context.CommonTlsContext is not { TlsCertificates.Count: > 0 } and not { TlsCertificateSdsSecretConfigs.Count: > 0 }
            ? new UpstreamTls(context.Sni)
            : null;
}
