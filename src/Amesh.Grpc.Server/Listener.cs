using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Amesh.Grpc.Server;

/// <summary>Turns the options into what the web server listens on.</summary>
internal static class Listener
{
    /// <exception cref="ArgumentException">The address is of no known kind, or TLS files are missing.</exception>
    public static void Add(KestrelServerOptions kestrel, Uri address, HttpProtocols protocols, GrpcServerTlsOptions? tls)
    {
        if (address.Scheme == "https" && tls is null)
        {
            throw new ArgumentException($"'{address}' needs Tls: a certificate and its key");
        }
        if (address.Scheme == "http" && tls is not null && protocols == HttpProtocols.Http2)
        {
            throw new ArgumentException($"'{address}' is plaintext, but TLS options are given: write https:// or leave them out");
        }
        void Configure(ListenOptions listen)
        {
            listen.Protocols = protocols;
            if (tls is not null)
            {
                listen.UseHttps(Https(tls));
            }
        }
        switch (address.Scheme)
        {
            case "unix":
                // A socket file that a killed process left behind would make binding fail.
                if (File.Exists(address.LocalPath))
                {
                    File.Delete(address.LocalPath);
                }
                kestrel.ListenUnixSocket(address.LocalPath, Configure);
                break;
            case "http" or "https":
                kestrel.Listen(Ip(address), address.Port, Configure);
                break;
            default:
                throw new ArgumentException($"'{address}' is nothing to listen on: write http://ip:port, https://ip:port or unix:/path");
        }
    }

    private static IPAddress Ip(Uri address) =>
        address.DnsSafeHost == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(address.DnsSafeHost, out IPAddress? ip) ? ip
        : throw new ArgumentException($"'{address}' has a name: to listen, write an IP address");

    private static HttpsConnectionAdapterOptions Https(GrpcServerTlsOptions tls)
    {
        X509Certificate2Collection chain = [];
        chain.ImportFromPemFile(tls.CertificateFile);
        HttpsConnectionAdapterOptions https = new()
        {
            ServerCertificate = X509Certificate2.CreateFromPemFile(tls.CertificateFile, tls.KeyFile),
            ServerCertificateChain = chain,
        };
        if (tls.ClientCaFile is { } caFile)
        {
            X509Certificate2Collection authorities = [];
            authorities.ImportFromPemFile(caFile);
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (certificate, _, _) =>
            {
                using X509Chain check = new();
                check.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                check.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                check.ChainPolicy.CustomTrustStore.AddRange(authorities);
                return check.Build(certificate);
            };
        }
        return https;
    }
}
