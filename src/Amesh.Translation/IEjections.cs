namespace Amesh.Translation;

/// <summary>What the workers tell of endpoints that outlier detection has ejected. Asked by one thread at a time.</summary>
public interface IEjections
{
    /// <summary>Another number whenever an endpoint of a cluster has been ejected since; null for the clusters together.</summary>
    double Count(string? upstreamId);

    /// <summary>
    /// Until when an endpoint, <c>host:port</c>, is ejected, in seconds since 1970, and whether that has been <see cref="Settle"/>d; null
    /// where it is not.
    /// </summary>
    (double Until, bool IsSettled)? Until(string upstreamId, string endpoint);

    /// <summary>The ejection has been worked into the nodes.</summary>
    void Settle(string upstreamId, string endpoint, double until);

    /// <summary>The ejection is over.</summary>
    void TakeBack(string upstreamId, string endpoint);
}
