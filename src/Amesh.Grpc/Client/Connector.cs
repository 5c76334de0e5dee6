using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Grpc.Client;

/// <summary>Makes one connection: socket, then TLS. Failures come out as <see cref="GrpcException"/> that say which address and what to do.</summary>
internal sealed class Connector(Target target, GrpcTlsOptions? tls, TimeSpan timeout)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        Stream? stream = null;
        try
        {
            stream = await OpenSocketAsync(limit.Token).ConfigureAwait(false);
            return target.Secure ? await SecureAsync(stream, limit.Token).ConfigureAwait(false) : stream;
        }
        catch (Exception e)
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }
            if (cancellationToken.IsCancellationRequested)
            {
                throw;
            }
            throw new GrpcException(GrpcStatusCode.Unavailable, Explain(e, stream is null), innerException: e);
        }
    }

    private async Task<Stream> OpenSocketAsync(CancellationToken cancellationToken)
    {
        bool unix = target.EndPoint is UnixDomainSocketEndPoint;
        Socket socket = unix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : target.EndPoint is IPEndPoint { AddressFamily: var family }
                ? new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
                : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target.EndPoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Stream> SecureAsync(Stream stream, CancellationToken cancellationToken)
    {
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = target.HostName,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (tls?.CaFile is { } caFile)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(ReadPem(caFile, "CaFile"));
        }
        if (tls?.CertificateFile is { } certificateFile)
        {
            options.ClientCertificateContext = ReadClientCertificate(certificateFile, tls.KeyFile!);
        }
        SslStream secure = new(stream);
        await secure.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
        if (secure.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2)
        {
            throw new AuthenticationException("the server does not offer HTTP/2 (ALPN h2); is this a gRPC port?");
        }
        return secure;
    }

    private static X509Certificate2Collection ReadPem(string file, string option)
    {
        X509Certificate2Collection certificates = [];
        try
        {
            certificates.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new AuthenticationException($"{option} '{file}' cannot be read: {e.Message}", e);
        }
        return certificates.Count > 0 ? certificates : throw new AuthenticationException($"{option} '{file}' has no certificate in PEM");
    }

    private static SslStreamCertificateContext ReadClientCertificate(string certificateFile, string keyFile)
    {
        X509Certificate2Collection chain = ReadPem(certificateFile, "CertificateFile");
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new AuthenticationException($"CertificateFile '{certificateFile}' and KeyFile '{keyFile}' cannot be used together: {e.Message}", e);
        }
        chain.RemoveAt(0);
        // Offline: never fetch intermediates over the network.
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private string Explain(Exception e, bool connecting) => e switch
    {
        OperationCanceledException => $"no connection to {target.Text} within {timeout.TotalSeconds:0.###} s: is it reachable from here? (ConnectTimeout)",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            $"the host of {target.Text} cannot be resolved: check the name and the machine's DNS",
        SocketException socket when connecting =>
            $"cannot connect to {target.Text}: {socket.SocketErrorCode}, {socket.Message}: is the server running and listening there?",
        AuthenticationException => $"no TLS with {target.Text}: {Innermost(e)}{Hint}",
        _ => $"no connection to {target.Text}: {Innermost(e)}{(target.Secure ? ": does it speak TLS on this port?" : "")}",
    };

    private string Hint => tls?.CaFile is null
        ? "; trusted are this system's authorities and the name " + target.HostName + ": CaFile and ServerName change that"
        : $"; trusted are the authorities in {tls.CaFile} and the name {target.HostName}";

    private static string Innermost(Exception e) =>
        e.InnerException is null || e.InnerException.Message == e.Message ? e.Message : $"{e.Message} ({e.InnerException.Message})";
}
