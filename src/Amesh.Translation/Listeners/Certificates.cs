using Amesh.Apisix;
using Secret = Amesh.Apisix.Secret;

namespace Amesh.Translation.Listeners;

/// <summary>
/// The certificate of a chain that server names choose, in APISIX's own form: what APISIX's own router of certificates, its
/// control API and its plugins know.
/// </summary>
internal static class Certificates
{
    private static readonly string[] _versions = ["TLSv1.1", "TLSv1.2", "TLSv1.3"];

    public static string IdOf(string listener, string chain) => ObjectId.From($"{listener} {chain}");

    /// <summary>Null where the chain has no such certificate, or its secret has not come.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="secretOf">A secret by its id; null for one that is not there.</param>
    public static Ssl? Translate(ListenerChain chain, Func<string?, Secret?> secretOf)
    {
        if (chain is not { Tls: { Ssl: { } id } tls, ServerNames: { } names }
            || secretOf(tls.Certificate) is not { Certificate: { } certificate, PrivateKey: { } key })
        {
            return null;
        }

        bool asksForClients = tls.RequireClientCertificate == true;
        string? authorities = asksForClients ? secretOf(tls.Validation)?.Ca : null;
        if (asksForClients && authorities is null)
        {
            // Without the authorities every client would be let in.
            return null;
        }

        return new Ssl
        {
            Id = id,
            Snis = names,
            Cert = certificate,
            PrivateKey = key,
            Client = authorities is null ? null : new SslClient(authorities, MaxDepth),
            SslProtocols = Versions(tls),
        };
    }

    // As OpenSSL does it where nothing is said.
    private const int MaxDepth = 100;

    private static string[]? Versions(ChainTls tls)
    {
        if (tls.MinVersion is null && tls.MaxVersion is null)
        {
            return null;
        }

        int from = Math.Max(0, Array.IndexOf(_versions, tls.MinVersion));
        int to = Array.IndexOf(_versions, tls.MaxVersion) is >= 0 and var last ? last : _versions.Length - 1;
        return from <= to ? _versions[from..(to + 1)] : null;
    }
}
