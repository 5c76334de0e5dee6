namespace Amesh.Apisix;

/// <summary>One of several clusters.</summary>
public sealed record WeightedCluster
{
    /// <summary>The cluster's upstream.</summary>
    public string? UpstreamId { get; init; }

    /// <summary>Instead of an upstream: the connection's original destination.</summary>
    public bool? OriginalDst { get; init; }

    /// <summary>What the cluster of that destination says besides.</summary>
    public OriginalDestination? OriginalDstFrom { get; init; }

    /// <summary>Instead of an upstream: the header, in lower case, that names the cluster.</summary>
    public string? ClusterHeader { get; init; }

    /// <summary>Its share of the sum of all weights; 0 is never drawn.</summary>
    public required uint Weight { get; init; }

    /// <summary>The answer where the cluster is not there, other than 503.</summary>
    public uint? NotFoundStatus { get; init; }

    /// <summary>Changes of request headers for this cluster alone.</summary>
    public IReadOnlyList<HeaderMutation>? RequestHeaders { get; init; }

    /// <summary>Changes of response headers for this cluster alone.</summary>
    public IReadOnlyList<HeaderMutation>? ResponseHeaders { get; init; }

    /// <summary>A Host for this cluster alone.</summary>
    public string? HostRewrite { get; init; }
}
