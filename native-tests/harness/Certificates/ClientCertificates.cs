using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Harness.Certificates;

/// <summary>The certificates that clients show, by the name that a case gives them in <c>send.client</c>.</summary>
/// <param name="authority">Who signs those of the mesh.</param>
/// <param name="gateway">Certificate and key as text of the gateway's recorded <c>shop-cert</c>, which signs <c>shop-client</c>; null where there is none.</param>
internal sealed class ClientCertificates(RunAuthority authority, (string Chain, string Key)? gateway = null)
{
    private static readonly Dictionary<string, string> Identities = new(StringComparer.Ordinal)
    {
        ["client"] = "spiffe://cluster.local/ns/default/sa/client",
        ["stranger"] = "spiffe://cluster.local/ns/default/sa/other",
        ["retail"] = "spiffe://cluster.local/ns/retail/sa/client",
        ["ops-night"] = "spiffe://cluster.local/ns/ops/sa/night",
        ["shop"] = "spiffe://cluster.local/ns/default/sa/shop",
    };

    private const string SignedByTheGateways = "shop-client";
    private readonly Dictionary<string, X509Certificate2> _made = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>The certificate of a name, with its key.</summary>
    public X509Certificate2 Of(string name)
    {
        lock (_lock)
        {
            return _made.TryGetValue(name, out var made) ? made : _made[name] = Make(name);
        }
    }

    private X509Certificate2 Make(string name) => name switch
    {
        SignedByTheGateways => gateway is { } issuer ? SignedBy(issuer, name) : throw new HarnessException($"client certificate {name}: the recording has no secret shop-cert"),
        _ => Identities.TryGetValue(name, out var identity) ? authority.ForIdentity(name, identity) : throw new HarnessException($"client certificate {name}: unknown"),
    };

    private static X509Certificate2 SignedBy((string Chain, string Key) issuer, string name)
    {
        using var signer = X509Certificate2.CreateFromPem(issuer.Chain);
        using var signingKey = ECDsa.Create();
        signingKey.ImportFromPem(issuer.Key);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        // By generator: the recorded certificate does not say that it is an authority's, as the verdicts' did not either.
        using var issued = request.Create(
            signer.SubjectName, X509SignatureGenerator.CreateForECDsa(signingKey), DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(7), RunAuthority.Serial());
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }
}
