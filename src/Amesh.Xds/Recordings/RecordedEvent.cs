using Amesh.Xds.Ads;

namespace Amesh.Xds.Recordings;

/// <summary>One message of a recorded stream.</summary>
public sealed record RecordedEvent
{
    /// <summary>The step in which it was sent. A step is over when the stream has been quiet.</summary>
    public required string Step { get; init; }

    /// <summary>Milliseconds since the recording began.</summary>
    public required long AtMilliseconds { get; init; }

    /// <summary>True for what the control plane sent, false for what the client sent.</summary>
    public required bool IsResponse { get; init; }

    /// <summary>The type of resource that it is about.</summary>
    public required string TypeUrl { get; init; }

    /// <summary>The version told (response) or acknowledged (SotW request); empty where there was none.</summary>
    public string Version { get; init; } = "";

    /// <summary>The nonce; empty where there was none.</summary>
    public string Nonce { get; init; } = "";

    /// <summary>Names of the resources in a response, or of a SotW request.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Delta requests: names subscribed to.</summary>
    public IReadOnlyList<string> Subscribe { get; init; } = [];

    /// <summary>Delta requests: names unsubscribed from.</summary>
    public IReadOnlyList<string> Unsubscribe { get; init; } = [];

    /// <summary>Delta responses: names taken back.</summary>
    public IReadOnlyList<string> Removed { get; init; } = [];

    /// <summary>The reason of a NACK; null for everything else.</summary>
    public string? Error { get; init; }

    /// <summary>A response's bytes: a <c>DiscoveryResponse</c> or <c>DeltaDiscoveryResponse</c>. Empty for requests, which are not kept.</summary>
    public ReadOnlyMemory<byte> Message { get; init; }
}

/// <summary>A recorded stream: what was sent and received, in order.</summary>
/// <param name="Protocol">The protocol that it was recorded with.</param>
/// <param name="Events">Every message.</param>
public sealed record RecordedTraffic(AdsProtocol Protocol, IReadOnlyList<RecordedEvent> Events);
