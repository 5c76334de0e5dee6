namespace Amesh.Cli.Replay;

/// <summary>What happened on a stream.</summary>
internal enum ReplayEventKind
{
    /// <summary>A client came.</summary>
    Connected,

    /// <summary>A client went.</summary>
    Gone,

    /// <summary>Names were subscribed to or unsubscribed from.</summary>
    Subscribed,

    /// <summary>A response was sent.</summary>
    Sent,

    /// <summary>A response was accepted.</summary>
    Ack,

    /// <summary>A response was refused.</summary>
    Nack,

    /// <summary>An answer to a response that is not the last one; it counts for nothing.</summary>
    Stale,
}

/// <summary>One line of the server's log.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Peer">The client's address.</param>
/// <param name="Step">The step that was being served.</param>
/// <param name="TypeUrl">The type of resource that it is about; empty if none.</param>
/// <param name="Detail">Names, version, or the reason of a refusal.</param>
internal sealed record ReplayEvent(ReplayEventKind Kind, string Peer, string Step, string TypeUrl, string Detail)
{
    public override string ToString()
    {
        string type = TypeUrl.Length == 0 ? "" : " " + TypeUrl[(TypeUrl.LastIndexOf('.') + 1)..];
        return $"[{Step}] {Peer} {Kind.ToString().ToUpperInvariant()}{type}{(Detail.Length == 0 ? "" : ": " + Detail)}";
    }
}
