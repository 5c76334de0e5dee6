using Amesh.Apisix;
using Envoy.Config.Cluster.V3;

namespace Amesh.Translation.Clusters;

/// <summary>What an ORIGINAL_DST cluster says beside "where the connection was going".</summary>
internal static class OriginalDestinations
{
    private const string DefaultHeader = "x-envoy-original-dst-host";

    // What lua/apisix/amesh/cluster.lua does without being told; what Istio and Kuma say.
    private const double DefaultConnectTimeout = 10;

    /// <summary>Null where nothing is said, or where it is another kind of cluster.</summary>
    public static OriginalDestination? Of(Cluster cluster, double connectTimeout, DiagnosticScope diagnostics)
    {
        if (cluster.ClusterType is not null || cluster.Type != Cluster.Types.DiscoveryType.OriginalDst)
        {
            return null;
        }

        Cluster.Types.OriginalDstLbConfig? config = cluster.OriginalDstLbConfig;
        uint? port = config?.UpstreamPortOverride;
        if (port is 0 or > 65535)
        {
            diagnostics.Refused("original_dst_lb_config.upstream_port_override", $"{port} is no port; the destination's own is taken");
            port = null;
        }

        string? breakers = CircuitBreakerLimits.Translate(cluster.CircuitBreakers);
        var said = new OriginalDestination
        {
            Header = config?.UseHttpHeader == true ? config.HttpHeaderName.Length > 0 ? config.HttpHeaderName : DefaultHeader : null,
            Port = port,
            ConnectTimeout = connectTimeout == DefaultConnectTimeout ? null : connectTimeout,
            BindSource = BindSources.Of(cluster, diagnostics),
            CircuitBreaker = breakers,
            Cluster = breakers is null ? null : Names.UpstreamId(cluster.Name),
        };
        return said == new OriginalDestination() ? null : said;
    }
}
