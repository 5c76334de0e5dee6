using Amesh.Dns;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Network.DnsResolver.Cares.V3;
using Google.Protobuf.Collections;

namespace Amesh.Translation.Clusters;

/// <summary>How the names of a STRICT_DNS or LOGICAL_DNS cluster are looked up.</summary>
internal static class NameLookups
{
    // Envoy's default for Cluster.dns_refresh_rate, and how far failures go where only their base is given.
    private static readonly TimeSpan _refreshRate = TimeSpan.FromSeconds(5);
    private const int FailureFactor = 10;

    /// <summary>The query of this cluster's names, but for the name.</summary>
    public static NameQuery Of(Cluster cluster, DiagnosticScope diagnostics)
    {
        Cluster.Types.RefreshRate? failure = cluster.DnsFailureRefreshRate;
        TimeSpan? failureBase = failure?.BaseInterval?.ToTimeSpan();
        CaresDnsResolverConfig? cares = null;
        if (cluster.TypedDnsResolverConfig?.TypedConfig is { } typed && typed.Is(CaresDnsResolverConfig.Descriptor))
        {
            cares = typed.Unpack<CaresDnsResolverConfig>();
        }

        return new NameQuery("")
        {
            Family = (LookupFamily)cluster.DnsLookupFamily,
            Servers = cares is null
                ? Servers(cluster.DnsResolvers, diagnostics.At("dns_resolvers"))
                : Servers(cares.Resolvers, diagnostics.At("typed_dns_resolver_config.resolvers")),
            ServersAreFallback = cares?.UseResolversAsFallback ?? false,
            UseTcp = cares?.DnsResolverOptions?.UseTcpForDnsLookups ?? cluster.UseTcpForDnsLookups,
            NoSearch = cares?.DnsResolverOptions?.NoDefaultSearchDomain ?? false,
            RefreshRate = cluster.DnsRefreshRate?.ToTimeSpan() is { Ticks: > 0 } rate ? rate : _refreshRate,
            Jitter = cluster.DnsJitter?.ToTimeSpan() ?? TimeSpan.Zero,
            RespectTtl = cluster.RespectDnsTtl,
            FailureBase = failureBase,
            FailureMax = failure?.MaxInterval?.ToTimeSpan() ?? (failureBase ?? TimeSpan.Zero) * FailureFactor,
        };
    }

    private static string Servers(RepeatedField<Address> resolvers, DiagnosticScope diagnostics)
    {
        var servers = new List<string>();
        foreach (Address resolver in resolvers)
        {
            if (resolver.SocketAddress is { } socket && System.Net.IPAddress.TryParse(socket.Address, out System.Net.IPAddress? address))
            {
                servers.Add(new System.Net.IPEndPoint(address, socket.PortValue is > 0 and <= 65535 ? (int)socket.PortValue : 53).ToString());
            }
            else
            {
                diagnostics.Refused("", "a resolver that is no IP address is left out");
            }
        }

        return string.Join(',', servers);
    }
}
