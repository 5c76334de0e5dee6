namespace Amesh.Grpc;

/// <summary>The files of TLS, all PEM. They are read at each connection, so that renewed certificates need no restart.</summary>
public sealed record GrpcTlsOptions
{
    /// <summary>The name that the server's certificate must have, sent as SNI and as <c>:authority</c>; null = the address's host.</summary>
    public string? ServerName { get; init; }

    /// <summary>Certificate authorities to trust, and only those; null = the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>The client's certificate, followed by intermediates if any; null = none. Goes with <see cref="KeyFile"/>.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The client's private key, not encrypted.</summary>
    public string? KeyFile { get; init; }
}
