using Amesh.Harness.Client;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Pod;

/// <summary>One kind of connection into or out of a pod, and what must come of it.</summary>
/// <param name="Name">What it is.</param>
/// <param name="FromOutside">True when it is made outside the pod.</param>
/// <param name="Request">What is sent.</param>
/// <param name="Status">The status that must come.</param>
/// <param name="ServedBy">The endpoints that may answer; none where nothing may.</param>
/// <param name="Peer">The identity that the endpoint must see; null: none.</param>
/// <param name="Client">The identity that must stand in x-forwarded-client-cert; null: no such header.</param>
internal sealed record Connection(
    string Name, bool FromOutside, SentRequest Request, string Status, IReadOnlyCollection<string> ServedBy, string? Peer = null, string? Client = null)
{
    /// <summary>What of a reply is not as it must be; null when all is.</summary>
    public string? Fault(Reply reply)
    {
        var refused = Status == Reply.NoAnswer && reply.Status is Reply.NoAnswer or Reply.ClosedWithoutAnswer or Reply.HandshakeFailed;
        if (reply.Status != Status && !refused)
        {
            return $"{Name}: expected {Status}, got {reply.Status} {reply.Error}";
        }
        if (ServedBy.Count == 0 ? reply.ServedBy is not null : !ServedBy.Contains(reply.ServedBy))
        {
            return $"{Name}: expected {(ServedBy.Count == 0 ? "no endpoint" : string.Join(" or ", ServedBy))}, got {reply.ServedBy ?? "none"}";
        }
        if (reply.Report is not { } seen)
        {
            return null;
        }
        // A call of the pod to itself comes in by its front door: there the application sees what the caller showed.
        var (peer, client) = !FromOutside && Peer is not null && reply.ServedBy == PodRun.Application ? (null, Peer) : (Peer, Client);
        var certificate = seen.Headers.GetValueOrDefault("x-forwarded-client-cert")?[^1];
        return seen.Peer != peer ? $"{Name}: {reply.ServedBy} saw the identity {seen.Peer ?? "none"}, not {peer ?? "none"}"
            : client is null ? certificate is null ? null : $"{Name}: x-forwarded-client-cert {certificate}, expected none"
            : certificate?.EndsWith("URI=" + client, StringComparison.Ordinal) == true ? null
            : $"{Name}: x-forwarded-client-cert {certificate ?? "none"}, not of {client}";
    }
}
