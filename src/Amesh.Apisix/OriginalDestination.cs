namespace Amesh.Apisix;

/// <summary>What is otherwise than usual about going to a connection's original destination.</summary>
public sealed record OriginalDestination
{
    /// <summary>A request header that may name another destination, as <c>address:port</c>.</summary>
    public string? Header { get; init; }

    /// <summary>The port that is taken in place of the destination's.</summary>
    public uint? Port { get; init; }

    /// <summary>Seconds for the TCP connection; 10 where nothing is said.</summary>
    public double? ConnectTimeout { get; init; }

    /// <summary>The own address that the connection comes from; null: what the system chooses.</summary>
    public string? BindSource { get; init; }

    /// <summary>The cluster's circuit breakers, as the label of an upstream has them.</summary>
    public string? CircuitBreaker { get; init; }

    /// <summary>What they count under; null where there are none.</summary>
    public string? Cluster { get; init; }
}
