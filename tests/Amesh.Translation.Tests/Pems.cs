using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Translation.Tests;

/// <summary>Certificates for tests.</summary>
internal static class Pems
{
    /// <summary>A new certificate, signed by itself, and its key.</summary>
    public static (string Certificate, string Key) Pair()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
