using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Amesh.Apisix;

namespace Amesh.Health;

/// <summary>What a TLS context asks of an endpoint's certificate, and the own one.</summary>
internal static class PeerCheck
{
    // Keys are read once, not for every connection; what is made of a secret goes with it.
    private static readonly ConditionalWeakTable<Secret, SslStreamCertificateContext> _own = [];
    private static readonly ConditionalWeakTable<string, X509Certificate2Collection> _authorities = [];

    /// <summary>The client's certificate; null where there is none.</summary>
    public static SslStreamCertificateContext? Own(HealthTls tls)
    {
        if (tls.Context.Certificate is null)
        {
            return null;
        }

        return tls.Certificate is { Certificate: { } pem, PrivateKey: { } key } secret
            ? _own.GetValue(secret, _ =>
            {
                var chain = new X509Certificate2Collection();
                chain.ImportFromPem(pem);
                return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(pem, key), chain, offline: true);
            })
            : throw new AuthenticationException("the client's certificate has not come");
    }

    /// <summary>Whether a certificate will do.</summary>
    /// <param name="tls">What is asked for.</param>
    /// <param name="host">The Host of the check.</param>
    /// <param name="peer">The certificate.</param>
    /// <param name="built">What came with it.</param>
    public static bool Holds(HealthTls tls, string host, X509Certificate? peer, X509Chain? built)
    {
        TlsContext context = tls.Context;
        if (context.Verify == false)
        {
            return true;
        }

        if (peer is not X509Certificate2 certificate || (context.Validation is not null && tls.Validation is null))
        {
            return false;
        }

        IReadOnlyList<PeerName> names = PeerNames.Of(certificate);
        List<SanMatch> wanted = [.. context.Sans ?? [], .. tls.Validation?.Sans ?? []];
        if (context.AutoSan == true)
        {
            wanted.Add(new SanMatch("dns") { Exact = host });
        }

        return AuthorityOf(tls, names) is { } authorities
            && IsOf(certificate, authorities.Length == 0 ? null : authorities, built)
            && (wanted.Count == 0 || wanted.Any(match => names.Any(name => NameMatch.Holds(match, name))));
    }

    // PEM, empty for the system's; null where there is none for this certificate.
    private static string? AuthorityOf(HealthTls tls, IReadOnlyList<PeerName> names)
    {
        if (tls.Validation?.TrustDomains is { Count: > 0 } domains)
        {
            string? id = names.FirstOrDefault(name => name.Type == "uri" && name.Value.StartsWith("spiffe://", StringComparison.Ordinal)).Value;
            return domains.FirstOrDefault(domain => id?.StartsWith($"spiffe://{domain.Name}/", StringComparison.Ordinal) == true)?.Ca;
        }

        return tls.Validation?.Ca ?? (tls.Context.SystemCa == true ? "" : null);
    }

    private static bool IsOf(X509Certificate2 certificate, string? authorities, X509Chain? built)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (built is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(built.ChainPolicy.ExtraStore);
        }

        if (authorities is not null)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            X509Certificate2Collection trusted = _authorities.GetValue(authorities, pem =>
            {
                var all = new X509Certificate2Collection();
                all.ImportFromPem(pem);
                return all;
            });
            chain.ChainPolicy.CustomTrustStore.AddRange(trusted);
        }

        return chain.Build(certificate);
    }
}
