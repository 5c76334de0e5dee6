using System.Text.Json.Serialization;

namespace Amesh.Apisix;

/// <summary>
/// Amesh's own: what a TLS handshake is made with, or tokens are checked by. The one kind of object that must never be shown: <see cref="Redaction"/>
/// says what stands for it.
/// </summary>
public sealed record Secret : ApisixObject
{
    /// <summary>The certificate and those between it and its authority, PEM.</summary>
    public string? Certificate { get; init; }

    /// <summary>The certificate's private key, PEM, not encrypted.</summary>
    [JsonPropertyName("key")]
    public string? PrivateKey { get; init; }

    /// <summary>The authorities that a peer's certificate must be of, PEM.</summary>
    public string? Ca { get; init; }

    /// <summary>Lists of revoked certificates, PEM.</summary>
    public string? Crl { get; init; }

    /// <summary>A JSON Web Key Set.</summary>
    public string? Jwks { get; init; }

    /// <summary>Names of which the peer's certificate must have one, beside those that the context itself asks for.</summary>
    public IReadOnlyList<SanMatch>? Sans { get; init; }

    /// <summary>SPIFFE trust domains, each with its own authorities: a peer's certificate must be of those of its own domain.</summary>
    public IReadOnlyList<TrustDomain>? TrustDomains { get; init; }

    internal override ObjectKind Kind => ObjectKind.Secret;
}

/// <summary>A SPIFFE trust domain.</summary>
/// <param name="Name">Its name, as it stands in <c>spiffe://NAME/…</c>.</param>
/// <param name="Ca">Its authorities, PEM.</param>
public sealed record TrustDomain(string Name, string Ca);
