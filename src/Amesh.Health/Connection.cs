using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Amesh.Health;

/// <summary>Connections to an endpoint that is checked, by TCP and where it wants that by TLS.</summary>
internal static class Connection
{
    public static async Task<Stream> OpenAsync(HealthTarget target, HealthTls? tls, bool isHttp, CancellationToken ct)
    {
        if (target.Context is not null && tls is null)
        {
            throw new AuthenticationException("the TLS context has not come");
        }

        var address = IPAddress.Parse(target.CheckHost);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (target.BindSource is { } source && IPAddress.TryParse(source, out IPAddress? own) && own.AddressFamily == address.AddressFamily)
            {
                socket.Bind(new IPEndPoint(own, 0));
            }

            await socket.ConnectAsync(new IPEndPoint(address, (int)target.CheckPort), ct).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            return tls is null ? stream : await EncryptAsync(stream, target, tls, isHttp, ct).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> EncryptAsync(NetworkStream stream, HealthTarget target, HealthTls tls, bool isHttp, CancellationToken ct)
    {
        var context = tls.Context;
        IReadOnlyList<string>? alpn = target.Check.Alpn ?? (isHttp ? context.AlpnHttp ?? context.Alpn : context.Alpn);
        string name = context.Sni ?? (context.AutoSni == true ? target.Authority : "");
        var encrypted = new SslStream(stream);
        try
        {
            await encrypted.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = name,
                    ApplicationProtocols = alpn is null ? null : [.. alpn.Select(protocol => new SslApplicationProtocol(protocol))],
                    EnabledSslProtocols = SslProtocols.None,
                    ClientCertificateContext = PeerCheck.Own(tls),
                    RemoteCertificateValidationCallback = (_, certificate, chain, _) => PeerCheck.Holds(tls, target.Authority, certificate, chain),
                },
                ct).ConfigureAwait(false);
            return encrypted;
        }
        catch
        {
            await encrypted.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
