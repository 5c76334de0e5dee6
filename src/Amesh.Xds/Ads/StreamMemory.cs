namespace Amesh.Xds.Ads;

/// <summary>What outlives a stream, apart from the resources themselves. Owned by the client's loop.</summary>
internal sealed class StreamMemory
{
    /// <summary>Whether clusters were answered (or waited for in vain) once: from then on everything is asked for at once.</summary>
    public bool ClustersSeen { get; set; }

    /// <summary>Type to the version last accepted whole. SotW sends it in the first request of a new stream.</summary>
    public Dictionary<string, string> AcceptedVersions { get; } = [];
}
