using Amesh.Apisix;
using Amesh.Translation.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf.WellKnownTypes;
using HttpProtocolOptions = Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptions;
using Secret = Amesh.Apisix.Secret;

namespace Amesh.Translation.Clusters;

/// <summary>TLS towards endpoints.</summary>
/// <param name="Context">As the endpoints' context is written, but for what depends on the endpoint.</param>
/// <param name="HostSni">The server name is the endpoint's own host name, where it has one.</param>
/// <param name="SniIsName">The server's certificate must have the server name that is asked for, and no other is looked at.</param>
/// <param name="Inline">Secrets that are written in the cluster.</param>
internal sealed record UpstreamTls(TlsContext Context, bool HostSni, bool SniIsName, IReadOnlyList<Secret> Inline)
{
    /// <summary>The label of an upstream that names its context.</summary>
    public const string Label = "amesh_tls";

    // Istio's filter istio.alpn, which stands in every listener that it makes, replaces these by what its servers take for
    // HTTP; with what stands in the cluster they would take the connection for one of TCP.
    private const string IstioTcp = "istio";

    public static UpstreamTls From(Cluster cluster, string socket, UpstreamTlsContext context, IDataReader data, DiagnosticScope diagnostics)
    {
        string owner = socket.Length == 0 ? $"cluster {cluster.Name}" : $"cluster {cluster.Name} {socket}";
        TlsMaterial material = TlsMaterial.From(context.CommonTlsContext, owner, data, diagnostics.At("common_tls_context"));
        UpstreamHttpProtocolOptions? automatic = OptionsOf(cluster)?.UpstreamHttpProtocolOptions ?? cluster.UpstreamHttpProtocolOptions;
        return new UpstreamTls(
            new TlsContext
            {
                Id = ObjectId.From(owner),
                Name = Names.Readable(owner),
                Sni = context.Sni.Length > 0 ? context.Sni : null,
                AutoSni = automatic?.AutoSni == true ? true : null,
                AutoSan = automatic?.AutoSanValidation == true ? true : null,
                Alpn = material.Alpn,
                AlpnHttp = AlpnForHttp(material.Alpn, UpstreamProtocol.IsAlwaysHttp2(cluster)),
                Certificate = material.Certificate,
                Validation = material.Validation,
                SystemCa = material.SystemCa ? true : null,
                Sans = material.Sans,
                MinVersion = material.MinVersion,
                MaxVersion = material.MaxVersion,

                // Names without authorities are no check that could be made; Envoy refuses such a context.
                Verify = material.Verifies || material.Sans is not null ? null : false,
            },
            context.AutoHostSni,
            context.AutoSniSanValidation,
            material.Inline);
    }

    /// <summary>The context for endpoints of one host name.</summary>
    public TlsContext For(string hostName)
    {
        string? sni = HostSni && hostName.Length > 0 ? hostName : Context.Sni;
        TlsContext context = sni == Context.Sni ? Context : Context with { Id = ObjectId.From($"{Context.Id} {hostName}"), Sni = sni };
        return !SniIsName ? context
            : context.AutoSni == true ? context with { Sans = null, AutoSan = true }
            : context with { Sans = [new SanMatch("dns") { Exact = sni ?? "" }] };
    }

    // What Envoy offers where the context says nothing depends on the protocol.
    private static IReadOnlyList<string>? AlpnForHttp(IReadOnlyList<string>? alpn, bool http2) =>
        alpn is null ? [http2 ? "h2" : "http/1.1"]
        : alpn.Contains(IstioTcp) ? http2 ? ["istio-h2", "istio", "h2"] : ["istio-http/1.1", "istio", "http/1.1"]
        : null;

    private static HttpProtocolOptions? OptionsOf(Cluster cluster)
    {
        // By type: some control planes use other names for it.
        foreach (Any options in cluster.TypedExtensionProtocolOptions.Values)
        {
            if (options.TryUnpack(out HttpProtocolOptions http))
            {
                return http;
            }
        }

        return null;
    }
}
