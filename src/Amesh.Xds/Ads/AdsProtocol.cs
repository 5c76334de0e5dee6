namespace Amesh.Xds.Ads;

/// <summary>The two variants of aggregated discovery.</summary>
public enum AdsProtocol
{
    /// <summary>Incremental: <c>DeltaAggregatedResources</c>. Only what changed is sent.</summary>
    Delta,

    /// <summary>State of the world: <c>StreamAggregatedResources</c>. Every response has all clusters or all listeners.</summary>
    Sotw,
}
