using Amesh.Xds.Recordings;
using Amesh.Xds.Store;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Xds.Secrets;

/// <summary>
/// What Envoy refuses a secret for. What stands in files is judged when they are read.
/// </summary>
internal static class SecretCheck
{
    /// <exception cref="MalformedResourceException">There is something wrong with the secret; the message has nothing of its content.</exception>
    public static void Require(Secret secret)
    {
        if (Fault(secret) is { } fault)
        {
            throw new MalformedResourceException(fault);
        }
    }

    private static string? Fault(Secret secret) => secret.TypeCase switch
    {
        Secret.TypeOneofCase.TlsCertificate => FaultOf(secret.TlsCertificate),
        Secret.TypeOneofCase.ValidationContext => FaultOf(secret.ValidationContext),
        Secret.TypeOneofCase.None => "the secret is of none of the types that there are",
        _ => null,
    };

    private static string? FaultOf(TlsCertificate certificate)
    {
        if (!DataSources.IsGiven(certificate.CertificateChain) && !DataSources.IsGiven(certificate.Pkcs12))
        {
            return "tls_certificate.certificate_chain: missing";
        }

        // A recording's key may have been taken out; the rest is worth having, and no handshake is made with it.
        if (DataSources.Inline(certificate.CertificateChain) is not { } chain || DataSources.Inline(certificate.PrivateKey) is not { } key
            || key == PrivateKeys.Placeholder || DataSources.IsGiven(certificate.Password))
        {
            return null;
        }

        return Pem.FaultOfPair(chain, key) is { } fault ? $"tls_certificate: {fault}" : null;
    }

    private static string? FaultOf(CertificateValidationContext context) =>
        At("trusted_ca", context.TrustedCa, Pem.FaultOfCertificates) ?? At("crl", context.Crl, Pem.FaultOfRevocations);

    private static string? At(string field, DataSource? source, Func<string, string?> judge) =>
        DataSources.Inline(source) is { } text && judge(text) is { } fault ? $"validation_context.{field}: {fault}" : null;
}
