namespace Amesh.Apisix;

/// <summary>An APISIX stream route: one TCP proxy of Envoy's. Source: <c>stream_route</c> in APISIX's schema_def.lua.</summary>
public sealed record StreamRoute : ApisixObject
{
    /// <summary>The cluster's upstream, where there is exactly one.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>The plugins of the route.</summary>
    public required StreamPlugins Plugins { get; init; }

    internal override ObjectKind Kind => ObjectKind.StreamRoute;
}

/// <summary>The stream plugins that a mesh route uses.</summary>
/// <param name="Amesh">Amesh's own plugin, on every stream route of the mesh.</param>
public sealed record StreamPlugins(StreamProxy Amesh);

/// <summary>The configuration of the stream plugin <c>amesh</c>: what Envoy's TCP proxy asks for.</summary>
public sealed record StreamProxy
{
    /// <summary>Where connections go; one is drawn at random, by weight, for each. Empty: they are closed.</summary>
    public required IReadOnlyList<StreamCluster> Clusters { get; init; }

    /// <summary>Seconds without a byte in either direction after which a connection is closed; 0 for ever, null for Envoy's hour.</summary>
    public double? IdleTimeout { get; init; }

    /// <summary>How many endpoints are tried; null for one.</summary>
    public uint? MaxConnectAttempts { get; init; }

    /// <summary>Balancers that go by a hash take the client's address; null: chance decides for them.</summary>
    public bool? HashSourceIp { get; init; }
}

/// <summary>One target of a TCP proxy.</summary>
public sealed record StreamCluster
{
    /// <summary>The cluster's upstream.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>The connection goes to where it was going before it was captured.</summary>
    public bool? OriginalDst { get; init; }

    /// <summary>What its cluster says besides.</summary>
    public OriginalDestination? OriginalDstFrom { get; init; }

    /// <summary>Its share.</summary>
    public required uint Weight { get; init; }
}
