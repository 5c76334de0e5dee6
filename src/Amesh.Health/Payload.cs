namespace Amesh.Health;

/// <summary>Envoy's loose comparison of what came with what must come.</summary>
internal static class Payload
{
    /// <summary>Whether all parts are there, one after the other; anything may stand between them.</summary>
    public static bool Holds(IReadOnlyList<ReadOnlyMemory<byte>> parts, ReadOnlySpan<byte> received)
    {
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            int at = received.IndexOf(part.Span);
            if (at < 0)
            {
                return false;
            }

            received = received[(at + part.Length)..];
        }

        return true;
    }
}
