namespace Amesh.Xds.Store;

/// <summary>One field of a message on the wire.</summary>
/// <param name="Number">The field's number.</param>
/// <param name="Whole">The field with its tag.</param>
/// <param name="Content">What a length-delimited field holds; empty for other wire types.</param>
internal readonly record struct WireField(int Number, ReadOnlyMemory<byte> Whole, ReadOnlyMemory<byte> Content);

/// <summary>Walks the top level of a message without decoding what is in it.</summary>
internal static class WireFields
{
    /// <summary>The fields in the order of the wire.</summary>
    /// <exception cref="MalformedResourceException">The bytes are no message.</exception>
    public static IEnumerable<WireField> Read(ReadOnlyMemory<byte> message)
    {
        int position = 0;
        while (position < message.Length)
        {
            int start = position;
            ulong tag = Varint(message.Span, ref position);
            int number = (int)(tag >> 3);
            if (number == 0)
            {
                throw Malformed("field number 0");
            }

            ReadOnlyMemory<byte> content = default;
            switch (tag & 7)
            {
                case 0:
                    Varint(message.Span, ref position);
                    break;
                case 1:
                    position = Advance(message, position, 8);
                    break;
                case 2:
                    ulong length = Varint(message.Span, ref position);
                    int end = Advance(message, position, length);
                    content = message[position..end];
                    position = end;
                    break;
                case 5:
                    position = Advance(message, position, 4);
                    break;
                default:
                    throw Malformed($"wire type {tag & 7}");
            }

            yield return new WireField(number, message[start..position], content);
        }
    }

    /// <summary>The last value of a string field, as protobuf takes it; empty where the field is absent.</summary>
    public static string Text(ReadOnlyMemory<byte> message, int number)
    {
        string text = "";
        foreach (WireField field in Read(message))
        {
            if (field.Number == number)
            {
                text = System.Text.Encoding.UTF8.GetString(field.Content.Span);
            }
        }

        return text;
    }

    private static int Advance(ReadOnlyMemory<byte> message, int position, ulong length) =>
        length <= (ulong)(message.Length - position) ? position + (int)length : throw Malformed("a field goes past the end");

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (position == bytes.Length)
            {
                throw Malformed("a number is cut");
            }

            byte next = bytes[position++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Malformed("a number is too long");
    }

    private static MalformedResourceException Malformed(string what) => new("not a protobuf message: " + what);
}
