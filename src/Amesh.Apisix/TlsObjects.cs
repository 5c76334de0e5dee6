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

/// <summary>Amesh's own: how an upstream's endpoints are spoken to by TLS. An upstream names it by the label <c>amesh_tls</c>.</summary>
public sealed record TlsContext : ApisixObject
{
    /// <summary>The server name that is asked for.</summary>
    public string? Sni { get; init; }

    /// <summary>The server name is the request's host.</summary>
    public bool? AutoSni { get; init; }

    /// <summary>The server's certificate must have the name of the request's host.</summary>
    public bool? AutoSan { get; init; }

    /// <summary>The protocols that are offered, in order.</summary>
    public IReadOnlyList<string>? Alpn { get; init; }

    /// <summary>The protocols that are offered for HTTP, where those are others.</summary>
    public IReadOnlyList<string>? AlpnHttp { get; init; }

    /// <summary>The id of the <see cref="Secret"/> with the client's certificate.</summary>
    public string? Certificate { get; init; }

    /// <summary>The id of the <see cref="Secret"/> with the authorities.</summary>
    public string? Validation { get; init; }

    /// <summary>The authorities are those of the system.</summary>
    public bool? SystemCa { get; init; }

    /// <summary>Names of which the server's certificate must have one.</summary>
    public IReadOnlyList<SanMatch>? Sans { get; init; }

    /// <summary>The lowest version, for example <c>TLSv1.2</c>.</summary>
    public string? MinVersion { get; init; }

    /// <summary>The highest version.</summary>
    public string? MaxVersion { get; init; }

    /// <summary>False where the control plane asks for no check of the server's certificate at all.</summary>
    public bool? Verify { get; init; }

    internal override ObjectKind Kind => ObjectKind.TlsContext;
}

/// <summary>A comparison with a name in a certificate; one of the forms.</summary>
/// <param name="Type"><c>uri</c>, <c>dns</c>, <c>email</c>, <c>ip</c> or <c>any</c>.</param>
public sealed record SanMatch(string Type)
{
    /// <summary>The whole name.</summary>
    public string? Exact { get; init; }

    /// <summary>The start.</summary>
    public string? Prefix { get; init; }

    /// <summary>The end.</summary>
    public string? Suffix { get; init; }

    /// <summary>A part.</summary>
    public string? Contains { get; init; }

    /// <summary>A regular expression (PCRE), anchored.</summary>
    public string? Regex { get; init; }

    /// <summary>Whether case is left out.</summary>
    public bool? IgnoreCase { get; init; }
}
