using System.Net;
using System.Net.Sockets;

namespace Amesh.Grpc.Client;

/// <summary>What an address means: where to connect, with TLS or not, and what the requests are addressed to.</summary>
internal sealed class Target
{
    private Target(string text, EndPoint endPoint, bool secure, string hostName, string authority)
    {
        (Text, EndPoint, Secure, HostName) = (text, endPoint, secure, hostName);
        Authority = authority;
        RequestBase = new Uri((secure ? "https://" : "http://") + (endPoint is UnixDomainSocketEndPoint ? "localhost" : authority));
    }

    /// <summary>The address as people write it, for errors.</summary>
    public string Text { get; }

    public EndPoint EndPoint { get; }

    public bool Secure { get; }

    /// <summary>What the server's certificate is checked against.</summary>
    public string HostName { get; }

    /// <summary>The <c>:authority</c>.</summary>
    public string Authority { get; private init; }

    public Uri RequestBase { get; }

    /// <exception cref="ArgumentException">The options contradict themselves or the address is of no known kind.</exception>
    public static Target From(GrpcChannelOptions options)
    {
        Uri address = options.Address ?? throw new ArgumentException("the channel needs an address", nameof(options));
        GrpcTlsOptions? tls = options.Tls;
        if (!address.IsAbsoluteUri || address.Scheme is not ("http" or "https" or "unix"))
        {
            throw new ArgumentException($"'{address}' is not an address of a gRPC server: write http://host:port, https://host:port or unix:/path", nameof(options));
        }
        if (tls is not null && (tls.CertificateFile is null) != (tls.KeyFile is null))
        {
            throw new ArgumentException("a client certificate needs both CertificateFile and KeyFile", nameof(options));
        }
        if (address.Scheme == "unix")
        {
            return new Target($"unix:{address.LocalPath}", UnixEndPoint(address), tls is not null, tls?.ServerName ?? "localhost", tls?.ServerName ?? "localhost");
        }
        if (address.AbsolutePath != "/" || address.Query.Length > 0 || address.UserInfo.Length > 0)
        {
            throw new ArgumentException($"'{address}' has more than a host and a port", nameof(options));
        }
        bool secure = address.Scheme == "https";
        if (!secure && tls is not null)
        {
            throw new ArgumentException($"'{address}' is plaintext, but TLS options are given: write https:// or leave them out", nameof(options));
        }
        EndPoint endPoint = IPAddress.TryParse(address.DnsSafeHost, out IPAddress? ip)
            ? new IPEndPoint(ip, address.Port)
            : new DnsEndPoint(address.IdnHost, address.Port);
        return new Target($"{address.Scheme}://{address.Authority}", endPoint, secure, tls?.ServerName ?? address.DnsSafeHost, address.Authority)
        {
            Authority = tls?.ServerName ?? address.Authority,
        };
    }

    private static UnixDomainSocketEndPoint UnixEndPoint(Uri address)
    {
        try
        {
            return new UnixDomainSocketEndPoint(address.LocalPath);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"'{address}' cannot be the path of a Unix socket: {e.Message}", nameof(address), e);
        }
    }
}
