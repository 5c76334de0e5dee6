using Amesh.Apisix;
using Envoy.Config.Cluster.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using EnvoyHttpOptions = Envoy.Config.Core.V3.HttpProtocolOptions;

namespace Amesh.Translation.Clusters;

/// <summary>How long connections to a cluster's endpoints are kept.</summary>
internal static class ConnectionPool
{
    // What APISIX keeps where nothing is said, and what stands for "no limit" in a number that must be given.
    private const int Size = 320;
    private const double IdleTimeout = 60;
    private const uint Requests = 1000;
    private const uint UnlimitedRequests = int.MaxValue;

    /// <summary>Null where the cluster says nothing: connections are then kept as APISIX is configured to.</summary>
    public static KeepalivePool? Of(Cluster cluster)
    {
        EnvoyHttpOptions? common = OptionsOf(cluster)?.CommonHttpProtocolOptions ?? cluster.CommonHttpProtocolOptions;
        uint? requests = common?.MaxRequestsPerConnection ?? cluster.MaxRequestsPerConnection;
        if (common?.IdleTimeout is null && requests is null)
        {
            return null;
        }

        double idle = common?.IdleTimeout is { } timeout ? Durations.Limit(timeout) ?? Durations.Unlimited : IdleTimeout;
        return new KeepalivePool(Size, idle, requests switch
        {
            null => Requests,
            0 => UnlimitedRequests,
            _ => Math.Min(requests.Value, UnlimitedRequests),
        });
    }

    // By type: some control planes use other names for it.
    private static HttpProtocolOptions? OptionsOf(Cluster cluster) => cluster.TypedExtensionProtocolOptions.Values
        .Where(options => options.Is(HttpProtocolOptions.Descriptor))
        .Select(options => options.Unpack<HttpProtocolOptions>())
        .FirstOrDefault();
}
