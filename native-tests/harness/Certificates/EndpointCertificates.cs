using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Harness.Certificates;

/// <summary>What each endpoint presents: the identities that clusters expect of it, else the certificate for public names. Safe for any thread.</summary>
/// <param name="authority">Who signs.</param>
/// <param name="expected">SPIFFE identities by endpoint address.</param>
internal sealed class EndpointCertificates(RunAuthority authority, IReadOnlyDictionary<string, IReadOnlyCollection<string>> expected)
{
    private readonly ConcurrentDictionary<string, X509Certificate2> _byIdentities = new(StringComparer.Ordinal);

    /// <summary>What the endpoint at an address (<c>127.0.3.1:9080</c>) presents.</summary>
    public X509Certificate2 Of(string address) =>
        expected.TryGetValue(address, out var identities) && identities.Count > 0
            ? _byIdentities.GetOrAdd(string.Join(' ', identities.Order(StringComparer.Ordinal)), _ => authority.ForIdentity("endpoint", identities))
            : authority.Public;
}
