using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Harness.Endpoints;

/// <summary>
/// The run's own certificate authority: a mesh's CA cannot be taken from a recording. Endpoints without an expected identity present a
/// certificate for the names that the verdicts' run used.
/// </summary>
internal sealed class EndpointCertificates
{
    private static readonly string[] PublicNames = ["*.internal", "*.example", "*.example.com", "*.default.svc.cluster.local"];
    private readonly Lazy<X509Certificate2> _authority = new(CreateAuthority);
    private readonly Lazy<X509Certificate2> _public;

    public EndpointCertificates() => _public = new(() => Issue("endpoint", PublicNames, []));

    /// <summary>The authority's certificate, for whoever has to trust it.</summary>
    public X509Certificate2 Authority => _authority.Value;

    /// <summary>What an endpoint presents that no cluster expects an identity of.</summary>
    public X509Certificate2 Public => _public.Value;

    /// <summary>A certificate with a SPIFFE identity (<c>spiffe://cluster.local/ns/NAMESPACE/sa/ACCOUNT</c>).</summary>
    public X509Certificate2 ForIdentity(string identity) => Issue("workload", [], [new Uri(identity)]);

    /// <summary>The identity in a certificate: its first URI name, else its subject; null when there is no certificate.</summary>
    public static string? Identity(X509Certificate? certificate)
    {
        if (certificate is null)
        {
            return null;
        }
        using var full = X509CertificateLoader.LoadCertificate(certificate.Export(X509ContentType.Cert));
        foreach (var extension in full.Extensions.Where(extension => extension.Oid?.Value == "2.5.29.17"))
        {
            var names = new System.Formats.Asn1.AsnReader(extension.RawData, System.Formats.Asn1.AsnEncodingRules.DER).ReadSequence();
            var uri = new System.Formats.Asn1.Asn1Tag(System.Formats.Asn1.TagClass.ContextSpecific, 6);
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(uri))
                {
                    return names.ReadCharacterString(System.Formats.Asn1.UniversalTagNumber.IA5String, uri);
                }
                names.ReadEncodedValue();
            }
        }
        return full.Subject;
    }

    private static X509Certificate2 CreateAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=harness authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    private X509Certificate2 Issue(string subject, string[] dnsNames, Uri[] uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"O={subject}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        Array.ForEach(dnsNames, names.AddDnsName);
        Array.ForEach(uris, names.AddUri);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        using var issued = request.Create(Authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(7), serial);
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }
}
