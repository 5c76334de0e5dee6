using Envoy.Config.Cluster.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Clusters;

/// <summary>Which HTTP a cluster's endpoints are spoken to in. What is not said here is HTTP/1.1.</summary>
internal static class UpstreamProtocol
{
    /// <summary>The label of an upstream whose endpoints are spoken to in HTTP/2.</summary>
    public const string Label = "amesh_http2";

    private const string Always = "true";
    private const string AsTheRequestCame = "downstream";

    /// <summary>The label's value; null for HTTP/1.1.</summary>
    public static string? Of(Cluster cluster)
    {
        foreach (Any options in cluster.TypedExtensionProtocolOptions.Values)
        {
            // By type: some control planes use other names for it.
            if (options.Is(HttpProtocolOptions.Descriptor))
            {
                return Of(options.Unpack<HttpProtocolOptions>());
            }
        }

        return cluster.ProtocolSelection == Cluster.Types.ClusterProtocolSelection.UseDownstreamProtocol ? AsTheRequestCame
            : cluster.Http2ProtocolOptions is not null ? Always : null;
    }

    /// <summary>Whether it is HTTP/2 whatever a request came in as.</summary>
    public static bool IsAlwaysHttp2(Cluster cluster) => Of(cluster) == Always;

    // Endpoints that choose for themselves (auto_config) do so in TLS; where they cannot, Envoy speaks HTTP/1.1, too.
    private static string? Of(HttpProtocolOptions options) => options.UpstreamProtocolOptionsCase switch
    {
        HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.ExplicitHttpConfig => options.ExplicitHttpConfig.Http2ProtocolOptions is null ? null : Always,
        HttpProtocolOptions.UpstreamProtocolOptionsOneofCase.UseDownstreamProtocolConfig =>
            options.UseDownstreamProtocolConfig.Http2ProtocolOptions is null ? null : AsTheRequestCame,
        _ => null,
    };
}
