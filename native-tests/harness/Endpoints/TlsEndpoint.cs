using System.Net.Security;
using Amesh.Harness.Certificates;

namespace Amesh.Harness.Endpoints;

/// <summary>Takes TLS off a connection and serves what is inside like a plain one.</summary>
internal static class TlsEndpoint
{
    /// <summary>The first byte of a TLS handshake record.</summary>
    public const int FirstByte = 0x16;

    /// <summary>All that meshes offer: the verdicts' endpoints refused none, and what is inside is told by its first bytes.</summary>
    private static readonly List<SslApplicationProtocol> Protocols =
        [new("istio-http/1.1"), new("istio-h2"), new("istio"), new("kuma"), SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    /// <summary>Shakes hands, then hands the decrypted connection to <paramref name="serve"/>.</summary>
    public static async Task ServeAsync(EndpointConnection connection, EndpointCertificates certificates, Func<EndpointConnection, Task> serve, CancellationToken stop)
    {
        await using var tls = new SslStream(new PrefixedStream(connection.Reader.Buffered, connection.Reader.Stream), leaveInnerStreamOpen: true);
        var asked = "";
        await tls.AuthenticateAsServerAsync(
            (_, hello, _, _) =>
            {
                asked = hello.ServerName;
                return ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificate = certificates.Of(connection.Address),
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                    ApplicationProtocols = Protocols,
                });
            },
            null,
            stop);
        await serve(connection with { Reader = new ByteReader(tls), Sni = asked, Peer = RunAuthority.Identity(tls.RemoteCertificate) });
    }
}
