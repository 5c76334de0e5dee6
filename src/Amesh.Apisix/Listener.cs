namespace Amesh.Apisix;

/// <summary>
/// Amesh's own: what becomes of connections to one destination (a prefix, a port, any) of an Envoy listener. A listener has one
/// such object for each destination that its chains name, so that one changed chain rewrites one object.
/// </summary>
public sealed record Listener : ApisixObject
{
    /// <summary>The Envoy listener's own IP address; <c>0.0.0.0</c> and <c>::</c> stand for any.</summary>
    public required string Address { get; init; }

    /// <summary>The Envoy listener's own port.</summary>
    public required uint Port { get; init; }

    /// <summary>
    /// <c>handoff</c>: a connection goes to the listener that is for its original destination, and stays here where there is none.
    /// <c>restore</c>: chains are matched with the original destination. Null: with the address that it arrived at.
    /// </summary>
    public string? OriginalDst { get; init; }

    /// <summary>Whether Envoy would bind the port; other listeners get connections from those that hand them on.</summary>
    public bool? Bound { get; init; }

    /// <summary><c>outbound</c>, <c>inbound</c>, or null where it is not said.</summary>
    public string? Direction { get; init; }

    /// <summary>The destination's port; null for any that no other object of the listener has.</summary>
    public uint? DestinationPort { get; init; }

    /// <summary>The destination's address, as <c>10.0.0.0/8</c>; null for any.</summary>
    public string? DestinationPrefix { get; init; }

    /// <summary>What is learnt from a connection's first bytes before a chain is chosen: <c>tls</c>, <c>http</c>.</summary>
    public IReadOnlyList<string>? Inspect { get; init; }

    /// <summary>Destination ports for which one of <see cref="Inspect"/> is left out.</summary>
    public IReadOnlyList<UninspectedPorts>? InspectExcept { get; init; }

    /// <summary>Seconds that the first bytes are waited for; 0 for ever, null where nothing is inspected.</summary>
    public double? InspectTimeout { get; init; }

    /// <summary>Whether a connection goes on, as one that says nothing, when the time is over; else it is closed.</summary>
    public bool? ContinueOnTimeout { get; init; }

    /// <summary>How many bytes of a request's body are kept for further tries and copies; 0 for any number, null for Envoy's default.</summary>
    public uint? BufferLimit { get; init; }

    /// <summary>The chains of this destination. The most specific match wins, whatever the order.</summary>
    public required IReadOnlyList<ListenerChain> Chains { get; init; }

    /// <summary>Takes what no chain of the whole listener takes; stands at the object for any destination.</summary>
    public ListenerChain? DefaultChain { get; init; }

    internal override ObjectKind Kind => ObjectKind.Listener;
}

/// <summary>Destination ports whose connections are not looked into.</summary>
/// <param name="Inspector"><c>tls</c> or <c>http</c>.</param>
/// <param name="From">The first port.</param>
/// <param name="To">The last port.</param>
public sealed record UninspectedPorts(string Inspector, uint From, uint To);
