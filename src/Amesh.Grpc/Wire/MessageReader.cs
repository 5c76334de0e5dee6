using System.Buffers.Binary;
using System.IO.Compression;

namespace Amesh.Grpc.Wire;

/// <summary>Reads gRPC's length-prefixed messages from one side of one call. One reader at a time.</summary>
/// <param name="stream">The body.</param>
/// <param name="encoding">The sender's <c>grpc-encoding</c>; null = identity.</param>
/// <param name="limit">Largest message in bytes, compressed and not.</param>
/// <param name="sender">Who sends, for errors.</param>
internal sealed class MessageReader(Stream stream, string? encoding, int limit, string sender)
{
    private readonly byte[] _prefix = new byte[WireFormat.PrefixLength];

    /// <summary>The next message; null when the body ended between two messages.</summary>
    /// <exception cref="GrpcException">The message is cut, too large or cannot be decompressed.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        int read = await stream.ReadAtLeastAsync(_prefix, _prefix.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read == 0)
        {
            return null;
        }
        if (read < _prefix.Length)
        {
            throw new CutMessageException($"{sender} ended the stream after {read} of the {_prefix.Length} bytes in front of a message");
        }
        if (_prefix[0] > 1)
        {
            throw Internal($"{sender} sent something that is not a gRPC message: its first byte is {_prefix[0]}, not 0 or 1");
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
        if (length > (uint)limit)
        {
            throw TooLarge($"of {length} bytes");
        }
        // Not in pieces: the pages of a large array cost nothing until data is written to them.
        byte[] message = length == 0 ? [] : GC.AllocateUninitializedArray<byte>((int)length);
        read = await stream.ReadAtLeastAsync(message, message.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (read < message.Length)
        {
            throw new CutMessageException($"{sender} ended the stream after {read} of the {length} bytes of a message");
        }
        return _prefix[0] == 0 ? message : Decompress(message);
    }

    private ReadOnlyMemory<byte> Decompress(byte[] message)
    {
        if (encoding != WireFormat.Gzip)
        {
            throw Internal(encoding is null or WireFormat.Identity
                ? $"{sender} sent a compressed message but no grpc-encoding"
                : $"{sender} sent a message compressed with '{encoding}', which was not offered to it");
        }
        // Twice as large is a guess that saves copies; the limit holds for what comes out, so that a small bomb stays small.
        using MemoryStream plain = new(Math.Min(limit, message.Length * 2L is var guess && guess < int.MaxValue ? (int)guess : int.MaxValue));
        try
        {
            using GZipStream gzip = new(new MemoryStream(message, writable: false), CompressionMode.Decompress);
            byte[] buffer = new byte[81920];
            for (int read; (read = gzip.Read(buffer)) > 0;)
            {
                if (plain.Length + read > limit)
                {
                    throw TooLarge("that is larger when decompressed");
                }
                plain.Write(buffer, 0, read);
            }
        }
        catch (InvalidDataException e)
        {
            throw Internal($"{sender} sent a message that is not gzip though it says so: {e.Message}");
        }
        return plain.GetBuffer().AsMemory(0, (int)plain.Length);
    }

    private static GrpcException Internal(string detail) => new(GrpcStatusCode.Internal, detail);

    private GrpcException TooLarge(string what) =>
        new(GrpcStatusCode.ResourceExhausted, $"{sender} sent a message {what}; the limit is {limit} bytes: raise MaxReceiveMessageSize if this is right");
}
