using Envoy.Config.Core.V3;
using HealthCheckConfig = Envoy.Config.Endpoint.V3.Endpoint.Types.HealthCheckConfig;

namespace Amesh.Translation.Clusters;

/// <summary>What an endpoint says about its own health check.</summary>
/// <param name="Host">The address that is asked; empty for its own.</param>
/// <param name="Port">The port; 0 for its own.</param>
/// <param name="Name">The Host that is sent; empty for the cluster's.</param>
/// <param name="IsDisabled">Whether it is not checked, and so healthy.</param>
internal sealed record EndpointCheck(string Host, uint Port, string Name, bool IsDisabled)
{
    /// <summary>Null where it says nothing.</summary>
    public static EndpointCheck? Of(HealthCheckConfig? config, DiagnosticScope diagnostics)
    {
        if (config is null)
        {
            return null;
        }

        SocketAddress? address = config.Address?.SocketAddress;
        string host = address?.Address ?? "";
        if (config.Address is not null && !System.Net.IPAddress.TryParse(host, out _))
        {
            diagnostics.Refused("address", "no IP address; the endpoint's own is asked");
            host = "";
        }

        uint port = config.PortValue > 0 ? config.PortValue : host.Length > 0 ? address!.PortValue : 0;
        if (port > 65535)
        {
            diagnostics.Refused("port_value", "no port from 1 to 65535; the endpoint's own is asked");
            port = 0;
        }

        return new EndpointCheck(host, port, config.Hostname, config.DisableActiveHealthCheck);
    }
}
