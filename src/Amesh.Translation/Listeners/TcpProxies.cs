using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using HashPolicy = Envoy.Type.V3.HashPolicy;

namespace Amesh.Translation.Listeners;

/// <summary>A TCP proxy as a stream route.</summary>
internal static class TcpProxies
{
    public static string IdOf(string listener, string chain) => ObjectId.From($"{listener} {chain}");

    public static TcpProxyModel Model(TcpProxy proxy) => new(
        proxy.ClusterSpecifierCase == TcpProxy.ClusterSpecifierOneofCase.WeightedClusters
            ? [.. proxy.WeightedClusters.Clusters.Select(cluster => (cluster.Name, cluster.Weight, LbMarks.Of(proxy.MetadataMatch, cluster.MetadataMatch)))]
            : [(proxy.Cluster, 1u, LbMarks.Of(proxy.MetadataMatch))],
        proxy.IdleTimeout is { } timeout ? Durations.Seconds(timeout) : null,
        proxy.MaxConnectAttempts is > 1 and var attempts ? attempts : null,
        proxy.HashPolicy.FirstOrDefault()?.PolicySpecifierCase == HashPolicy.PolicySpecifierOneofCase.SourceIp);

    /// <param name="listener">The listener's name.</param>
    /// <param name="chain">The chain's name, unique in the listener.</param>
    /// <param name="proxy">The TCP proxy that it ends in.</param>
    /// <param name="known">The clusters that it names.</param>
    public static StreamRoute Translate(string listener, string chain, TcpProxyModel proxy, IClusters known)
    {
        StreamCluster[] clusters = [.. proxy.Clusters.Select(cluster => known.KindOf(cluster.Name) == ClusterKind.OriginalDst
            ? new StreamCluster { OriginalDst = true, OriginalDstFrom = known.OriginalDstOf(cluster.Name), Weight = cluster.Weight }
            : new StreamCluster { UpstreamId = Names.UpstreamId(known.TargetOf(cluster.Name, cluster.Marks)), Weight = cluster.Weight })];
        return new StreamRoute
        {
            Id = IdOf(listener, chain),
            Name = Names.Readable($"{listener}/{chain}"),
            UpstreamId = clusters.Length == 1 ? clusters[0].UpstreamId : null,
            Plugins = new StreamPlugins(new StreamProxy
            {
                Clusters = clusters,
                IdleTimeout = proxy.IdleTimeout,
                MaxConnectAttempts = proxy.MaxConnectAttempts,
                HashSourceIp = proxy.HashesSource ? true : null,
            }),
        };
    }
}
