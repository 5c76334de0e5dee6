namespace Amesh.Apisix;

/// <summary>How a chain ends TLS.</summary>
public sealed record ChainTls
{
    /// <summary>Id of the certificate in APISIX's own form, where server names choose it.</summary>
    public string? Ssl { get; init; }

    /// <summary>Id of the secret with certificate and key.</summary>
    public string? Certificate { get; init; }

    /// <summary>Id of the secret with the authorities that clients are checked by; null where clients are not checked.</summary>
    public string? Validation { get; init; }

    /// <summary>Clients are checked by the authorities of the system.</summary>
    public bool? SystemCa { get; init; }

    /// <summary>Names of which a client's certificate must have one.</summary>
    public IReadOnlyList<SanMatch>? Sans { get; init; }

    /// <summary>Whether a client without a certificate is refused.</summary>
    public bool? RequireClientCertificate { get; init; }

    /// <summary>The application protocols that are offered.</summary>
    public IReadOnlyList<string>? Alpn { get; init; }

    /// <summary>The oldest version taken: <c>TLSv1.2</c>; null for Envoy's default.</summary>
    public string? MinVersion { get; init; }

    /// <summary>The newest version taken.</summary>
    public string? MaxVersion { get; init; }
}
