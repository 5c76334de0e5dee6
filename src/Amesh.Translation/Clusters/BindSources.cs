using System.Net;
using System.Net.Sockets;
using Envoy.Config.Cluster.V3;

namespace Amesh.Translation.Clusters;

/// <summary>
/// Where connections to a cluster come from: Envoy's upstream_bind_config. Istio's inbound clusters say 127.0.0.6, by which
/// its iptables rules tell what the proxy sends to its own workload from what it must take.
/// </summary>
internal static class BindSources
{
    /// <summary>The label of an upstream that says it.</summary>
    public const string Label = "amesh_bind_source";

    /// <summary>An IP address; null where the system chooses.</summary>
    public static string? Of(Cluster cluster, DiagnosticScope diagnostics)
    {
        if (cluster.UpstreamBindConfig?.SourceAddress is not { Address.Length: > 0 } source)
        {
            return null;
        }

        if (!IPAddress.TryParse(source.Address, out IPAddress? address))
        {
            diagnostics.Refused("upstream_bind_config.source_address.address", $"{source.Address} is no IP address; the system chooses one");
            return null;
        }

        if (source.PortValue != 0)
        {
            diagnostics.NotYet("upstream_bind_config.source_address.port_value", "the system chooses the port");
        }

        return address.Equals(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any) ? null : address.ToString();
    }
}
