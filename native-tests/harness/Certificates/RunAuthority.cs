using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Harness.Certificates;

/// <summary>
/// The run's own certificate authority: a mesh's CA cannot be taken from a recording, so this one stands in place of every CA that peers are
/// checked against, and is the system's root store of the run.
/// </summary>
internal sealed class RunAuthority
{
    private static readonly string[] PublicNames = ["*.internal", "*.example", "*.example.com", "*.default.svc.cluster.local"];
    private readonly Lazy<X509Certificate2> _authority = new(CreateAuthority);
    private readonly Lazy<X509Certificate2> _public;
    private readonly Dictionary<string, (string Chain, string Key)> _texts = new(StringComparer.Ordinal);

    public RunAuthority() => _public = new(() => Issue("endpoint", PublicNames, []));

    /// <summary>The authority's certificate, for whoever has to trust it.</summary>
    public X509Certificate2 Certificate => _authority.Value;

    /// <summary>The same as text.</summary>
    public string Pem => Certificate.ExportCertificatePem() + "\n";

    /// <summary>What an endpoint presents that no cluster expects an identity of.</summary>
    public X509Certificate2 Public => _public.Value;

    /// <summary>A certificate with identities (<c>spiffe://cluster.local/ns/NAMESPACE/sa/ACCOUNT</c>) and the subject <c>O=NAME</c>.</summary>
    public X509Certificate2 ForIdentity(string organization, params IEnumerable<string> identities) => Issue(organization, [], identities.Select(static uri => new Uri(uri)));

    /// <summary>A certificate and its key as text, as a control plane would send them.</summary>
    /// <remarks>The same identity has the same certificate all the time: a step that changes nothing about it must change nothing.</remarks>
    public (string Chain, string Key) PemForIdentity(string identity)
    {
        if (_texts.TryGetValue(identity, out var made))
        {
            return made;
        }
        using var certificate = ForIdentity("workload", identity);
        using var key = certificate.GetECDsaPrivateKey()!;
        return _texts[identity] = (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

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
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(uri))
                {
                    return names.ReadCharacterString(UniversalTagNumber.IA5String, uri);
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

    private X509Certificate2 Issue(string organization, IEnumerable<string> dnsNames, IEnumerable<Uri> uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"O={organization}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        dnsNames.ToList().ForEach(names.AddDnsName);
        uris.ToList().ForEach(names.AddUri);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(Certificate, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(7), Serial());
        using var withKey = issued.CopyWithPrivateKey(key);
        // A certificate whose key was made in memory alone cannot serve TLS everywhere: it goes once through PKCS#12.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }

    /// <summary>A serial number, positive as it must be.</summary>
    internal static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        return serial;
    }
}
