namespace Amesh.Grpc.Server;

/// <summary>The files of a server's TLS, all PEM.</summary>
public sealed record GrpcServerTlsOptions
{
    /// <summary>The server's certificate, followed by intermediates if any.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>The server's private key, not encrypted.</summary>
    public required string KeyFile { get; init; }

    /// <summary>Mutual TLS: clients must have a certificate of one of these authorities; null = clients need none.</summary>
    public string? ClientCaFile { get; init; }
}
