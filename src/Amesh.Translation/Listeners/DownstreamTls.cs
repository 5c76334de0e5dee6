using Amesh.Apisix;
using Amesh.Translation.Secrets;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Protocol = Envoy.Extensions.TransportSockets.Tls.V3.TlsParameters.Types.TlsProtocol;

namespace Amesh.Translation.Listeners;

/// <summary>The TLS that a filter chain ends.</summary>
internal static class DownstreamTls
{
    /// <summary>Null for a chain that takes plain text.</summary>
    public static ChainTls? Translate(TransportSocket? socket, string listener, string chain, DiagnosticScope diagnostics)
    {
        if (socket?.TypedConfig?.Is(DownstreamTlsContext.Descriptor) != true)
        {
            return null;
        }

        DownstreamTlsContext context = socket.TypedConfig.Unpack<DownstreamTlsContext>();
        CommonTlsContext common = context.CommonTlsContext ?? new();
        CertificateValidationContext? validation = common.ValidationContextTypeCase switch
        {
            CommonTlsContext.ValidationContextTypeOneofCase.ValidationContext => common.ValidationContext,
            CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext => common.CombinedValidationContext.DefaultValidationContext,
            _ => null,
        };
        SdsSecretConfig? authorities = common.ValidationContextTypeCase switch
        {
            CommonTlsContext.ValidationContextTypeOneofCase.ValidationContextSdsSecretConfig => common.ValidationContextSdsSecretConfig,
            CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext => common.CombinedValidationContext.ValidationContextSdsSecretConfig,
            _ => null,
        };
        return new ChainTls
        {
            Certificate = common.TlsCertificateSdsSecretConfigs.Count > 0 ? ObjectId.From(common.TlsCertificateSdsSecretConfigs[0].Name)
                : common.TlsCertificates.Count > 0 ? ObjectId.From(CertificateName(listener, chain))
                : null,
            Validation = authorities is not null ? ObjectId.From(authorities.Name)
                : validation?.TrustedCa is not null ? ObjectId.From(AuthoritiesName(listener, chain))
                : null,
            Sans = validation is null ? null : SubjectNames.Translate(validation, diagnostics.At("validation_context")),
            RequireClientCertificate = context.RequireClientCertificate == true ? true : null,
            Alpn = common.AlpnProtocols.Count == 0 ? null : [.. common.AlpnProtocols],
            MinVersion = Version(common.TlsParams?.TlsMinimumProtocolVersion),
            MaxVersion = Version(common.TlsParams?.TlsMaximumProtocolVersion),
        };
    }

    /// <summary>The name of the secret that is written in a chain.</summary>
    public static string CertificateName(string listener, string chain) => $"{listener}/{chain}/certificate";

    /// <summary>The name of the authorities that are written in a chain.</summary>
    public static string AuthoritiesName(string listener, string chain) => $"{listener}/{chain}/authorities";

    private static string? Version(Protocol? protocol) => protocol switch
    {
        Protocol.Tlsv10 => "TLSv1",
        Protocol.Tlsv11 => "TLSv1.1",
        Protocol.Tlsv12 => "TLSv1.2",
        Protocol.Tlsv13 => "TLSv1.3",
        _ => null,
    };
}
