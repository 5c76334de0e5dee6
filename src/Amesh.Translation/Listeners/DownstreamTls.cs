using Amesh.Apisix;
using Amesh.Translation.Secrets;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Secret = Amesh.Apisix.Secret;

namespace Amesh.Translation.Listeners;

/// <summary>The TLS that a filter chain ends.</summary>
internal static class DownstreamTls
{
    /// <summary>Whether connections come as a transport socket says that is neither TLS nor plain text: nobody could tell what they hold.</summary>
    public static bool IsUnknown(TransportSocket? socket) => socket switch
    {
        null => false,
        { TypedConfig: null } => !socket.Name.Contains("raw_buffer", StringComparison.Ordinal),
        _ => !socket.TypedConfig.Is(DownstreamTlsContext.Descriptor) && !socket.TypedConfig.Is(RawBuffer.Descriptor),
    };

    /// <summary>No TLS for a chain that takes plain text; and what is written in the chain itself, as secrets.</summary>
    public static (ChainTls? Tls, IReadOnlyList<Secret> Secrets) Translate(
        TransportSocket? socket, string listener, string chain, IDataReader data, DiagnosticScope diagnostics)
    {
        if (socket?.TypedConfig?.Is(DownstreamTlsContext.Descriptor) != true)
        {
            return (null, []);
        }

        DownstreamTlsContext context = socket.TypedConfig.Unpack<DownstreamTlsContext>();
        TlsMaterial material = TlsMaterial.From(context.CommonTlsContext, $"listener {listener} {chain}", data, diagnostics);
        var tls = new ChainTls
        {
            Certificate = material.Certificate,
            Validation = material.Validation,
            SystemCa = material.SystemCa ? true : null,
            Sans = material.Sans,
            RequireClientCertificate = context.RequireClientCertificate == true ? true : null,
            Alpn = material.Alpn,
            MinVersion = material.MinVersion,
            MaxVersion = material.MaxVersion,
        };
        return (tls, material.Inline);
    }
}
