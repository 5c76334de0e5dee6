using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;

namespace Amesh.Translation.Clusters;

/// <summary>An endpoint's health as the control plane says it.</summary>
internal enum EndpointHealth
{
    /// <summary>Gets requests.</summary>
    Healthy,

    /// <summary>Gets requests only where the healthy ones cannot take them all.</summary>
    Degraded,

    /// <summary>Gets none, but counts as an endpoint.</summary>
    Unhealthy,
}

/// <summary>One endpoint.</summary>
/// <param name="Host">An address, or a name to be looked up.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Weight">Its share.</param>
/// <param name="Health">Whether it gets requests.</param>
/// <param name="HostName">The Host that requests to it have where the route wants the endpoint's own; empty for none.</param>
internal readonly record struct Endpoint(string Host, uint Port, uint Weight, EndpointHealth Health = EndpointHealth.Healthy, string HostName = "")
{
    /// <summary>The <see cref="SocketMarks"/> of the endpoint.</summary>
    public string Marks { get; init; } = "";

    /// <summary>Those of its locality.</summary>
    public string LocalityMarks { get; init; } = "";

    /// <summary>The <see cref="Clusters.LbMarks"/> of the endpoint.</summary>
    public string LbMarks { get; init; } = "";

    /// <summary>What it says about its own health check; null for nothing.</summary>
    public EndpointCheck? Check { get; init; }

    /// <summary>Whether the host is a name.</summary>
    public bool IsNamed => !System.Net.IPAddress.TryParse(Host, out _);
}

/// <summary>The endpoints of one locality at one priority.</summary>
/// <param name="Priority">0 is served first.</param>
/// <param name="LocalityWeight">The locality's share; null where none is given, which under locality weighting means no traffic.</param>
/// <param name="Endpoints">In the order in which they came.</param>
internal sealed record EndpointGroup(uint Priority, uint? LocalityWeight, Endpoint[] Endpoints)
{
    /// <summary>The locality's name.</summary>
    public string Locality { get; init; } = "";

    /// <summary>Whether an endpoint that is here or there is in one place.</summary>
    public bool IsSamePlace(EndpointGroup other) => Priority == other.Priority && Locality == other.Locality;

    public static EndpointGroup From(LocalityLbEndpoints locality, DiagnosticScope diagnostics) => new(
        locality.Priority,
        locality.LoadBalancingWeight,
        [.. locality.LbEndpoints
            .Select((endpoint, j) => EndpointOf(endpoint, SocketMarks.Of(locality.Metadata), diagnostics.At($"lb_endpoints[{j}]")))
            .OfType<Endpoint>()])
    {
        Locality = locality.Locality is { } place ? $"{place.Region}/{place.Zone}/{place.SubZone}" : "",
    };

    private static Endpoint? EndpointOf(LbEndpoint endpoint, string localityMarks, DiagnosticScope diagnostics)
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
        return new Endpoint(
            address.Address, address.PortValue, endpoint.LoadBalancingWeight ?? 1, HealthOf(endpoint.HealthStatus), endpoint.Endpoint!.Hostname)
        {
            Marks = SocketMarks.Of(endpoint.Metadata),
            LocalityMarks = localityMarks,
            LbMarks = Clusters.LbMarks.Of(endpoint.Metadata),
            Check = EndpointCheck.Of(endpoint.Endpoint.HealthCheckConfig, diagnostics.At("endpoint.health_check_config")),
        };
    }

    // DRAINING gets no new requests in Envoy either, unless override_host_status says so.
    private static EndpointHealth HealthOf(HealthStatus status) => status switch
    {
        HealthStatus.Unknown or HealthStatus.Healthy => EndpointHealth.Healthy,
        HealthStatus.Degraded => EndpointHealth.Degraded,
        _ => EndpointHealth.Unhealthy,
    };
}
