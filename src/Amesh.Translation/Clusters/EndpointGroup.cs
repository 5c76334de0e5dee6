using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;

namespace Amesh.Translation.Clusters;

/// <summary>One endpoint.</summary>
internal readonly record struct Endpoint(string Host, uint Port, uint Weight, bool Healthy);

/// <summary>The endpoints of one locality at one priority.</summary>
/// <param name="Priority">0 is served first.</param>
/// <param name="LocalityWeight">The locality's share; null where none is given, which under locality weighting means no traffic.</param>
/// <param name="Endpoints">In the order in which they came.</param>
internal sealed record EndpointGroup(uint Priority, uint? LocalityWeight, Endpoint[] Endpoints)
{
    public static EndpointGroup[] From(ClusterLoadAssignment assignment, DiagnosticScope diagnostics)
    {
        var groups = new EndpointGroup[assignment.Endpoints.Count];
        for (int i = 0; i < groups.Length; i++)
        {
            LocalityLbEndpoints locality = assignment.Endpoints[i];
            DiagnosticScope at = diagnostics.At($"endpoints[{i}]");
            groups[i] = new EndpointGroup(
                locality.Priority,
                locality.LoadBalancingWeight,
                [.. locality.LbEndpoints.Select((endpoint, j) => EndpointOf(endpoint, at.At($"lb_endpoints[{j}]"))).OfType<Endpoint>()]);
        }

        return groups;
    }

    private static Endpoint? EndpointOf(LbEndpoint endpoint, DiagnosticScope diagnostics)
    {
        SocketAddress? address = endpoint.Endpoint?.Address?.SocketAddress;
        if (address is null || address.Address.Length == 0)
        {
            diagnostics.Refused("endpoint.address", "an endpoint without an IP address and a port is left out");
            return null;
        }

        if (address.PortValue is 0 or > 65535)
        {
            diagnostics.Refused("endpoint.address.socket_address.port_value", $"{address.Address} has no port from 1 to 65535 and is left out");
            return null;
        }

        // Envoy's default for load_balancing_weight is 1.
        return new Endpoint(address.Address, address.PortValue, endpoint.LoadBalancingWeight ?? 1, IsHealthy(endpoint.HealthStatus));
    }

    // DRAINING gets no new requests in Envoy either, unless override_host_status says so.
    private static bool IsHealthy(HealthStatus status) => status is HealthStatus.Unknown or HealthStatus.Healthy or HealthStatus.Degraded;
}
