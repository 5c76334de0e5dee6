namespace Amesh.Harness.Endpoints;

/// <summary>One accepted connection, after TLS where it began with TLS.</summary>
/// <param name="Address">The endpoint's own address and port, as verdicts write it.</param>
/// <param name="Reader">What the peer sends, decrypted.</param>
/// <param name="Sni">TLS only: the server name asked for (may be empty).</param>
/// <param name="Peer">TLS only: the identity of the peer's certificate.</param>
internal sealed record EndpointConnection(string Address, ByteReader Reader, string? Sni = null, string? Peer = null)
{
    /// <summary>True inside TLS.</summary>
    public bool IsTls => Sni is not null;
}
