namespace Amesh.Apisix;

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
