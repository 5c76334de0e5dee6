using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Amesh.Apisix;

namespace Amesh.Health.Tests;

/// <summary>An authority that lives as long as a test, and certificates with URIs as a mesh issues them.</summary>
internal sealed class TestAuthority
{
    private readonly X509Certificate2 _root;

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test {Guid.NewGuid()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    public string Pem => _root.ExportCertificatePem();

    public X509Certificate2 Issue(string uri)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        return request.Create(_root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddMinutes(50), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
    }

    public Secret Secret(string id, string uri)
    {
        X509Certificate2 certificate = Issue(uri);
        return new Secret { Id = id, Certificate = certificate.ExportCertificatePem(), PrivateKey = certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem() };
    }
}
