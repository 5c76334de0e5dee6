namespace Amesh.Xds.Ads;

/// <summary>What a stream brings.</summary>
public enum DiscoveryService
{
    /// <summary>Everything: clusters and listeners, and what they name.</summary>
    Aggregated,

    /// <summary>Secrets alone, from a server that has no other resources.</summary>
    Secrets,
}
