using Google.Protobuf;

namespace Amesh.Xds.Store;

/// <summary>
/// What can change alone. Istio packs every virtual host of a port into one RouteConfiguration, and Consul and OSM every
/// filter chain into one Listener, so the unit of work is smaller than a resource.
/// </summary>
public enum UnitKind
{
    /// <summary>A Cluster, whole.</summary>
    Cluster,

    /// <summary>A ClusterLoadAssignment, whole.</summary>
    Assignment,

    /// <summary>A Listener without its filter chains.</summary>
    Listener,

    /// <summary>One filter chain of a Listener.</summary>
    FilterChain,

    /// <summary>A RouteConfiguration without its virtual hosts.</summary>
    RouteConfiguration,

    /// <summary>One virtual host of a RouteConfiguration.</summary>
    VirtualHost,

    /// <summary>A Secret of <see cref="SecretOrigin.Ads"/>, whole.</summary>
    Secret,

    /// <summary>A Secret of <see cref="SecretOrigin.Agent"/>.</summary>
    AgentSecret,

    /// <summary>A Secret of <see cref="SecretOrigin.Files"/>.</summary>
    FileSecret,
}

/// <summary>Names a unit.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Resource">The name of the resource that it is in.</param>
/// <param name="Name">Its name inside the resource; empty for a unit that is the resource or the resource's head.</param>
public readonly record struct UnitKey(UnitKind Kind, string Resource, string Name);

/// <summary>A unit that is new, has other bytes than before, or is gone.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Message">The decoded unit; null when it is gone.</param>
/// <param name="Bytes">Its wire bytes; empty when it is gone.</param>
public readonly record struct UnitChange(UnitKey Key, IMessage? Message, ReadOnlyMemory<byte> Bytes);

/// <summary>What is told of changed units, a batch at a time.</summary>
public interface IUnitHandler
{
    /// <summary>Takes a batch in. Each unit occurs once.</summary>
    void Apply(IReadOnlyList<UnitChange> changes);
}
