using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace Amesh.Grpc.Wire;

/// <summary>Writes gRPC's length-prefixed messages: one byte "compressed", four bytes length, the message.</summary>
internal static class MessageWriter
{
    /// <summary>Below this, prefix and message go out as one piece: one DATA frame instead of two, for a small copy.</summary>
    private const int CopyLimit = 16 * 1024;

    public static async ValueTask WriteAsync(Stream stream, ReadOnlyMemory<byte> message, bool gzip, CancellationToken cancellationToken)
    {
        // GZipStream makes nothing at all, not even a header, of nothing.
        gzip &= message.Length > 0;
        if (gzip)
        {
            message = Compress(message);
        }
        int total = WireFormat.PrefixLength + message.Length;
        byte[] head = ArrayPool<byte>.Shared.Rent(total <= CopyLimit ? total : WireFormat.PrefixLength);
        try
        {
            head[0] = gzip ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(1), (uint)message.Length);
            if (total <= CopyLimit)
            {
                message.CopyTo(head.AsMemory(WireFormat.PrefixLength));
                await stream.WriteAsync(head.AsMemory(0, total), cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await stream.WriteAsync(head.AsMemory(0, WireFormat.PrefixLength), cancellationToken).ConfigureAwait(false);
                await stream.WriteAsync(message, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
        // Streaming: a message must not wait in a buffer for the next one.
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static ReadOnlyMemory<byte> Compress(ReadOnlyMemory<byte> message)
    {
        MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(message.Span);
        }
        return compressed.GetBuffer().AsMemory(0, (int)compressed.Length);
    }
}
