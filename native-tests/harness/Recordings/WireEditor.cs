namespace Amesh.Harness.Recordings;

/// <summary>
/// A protobuf message taken apart so that single fields can be put in another's place; everything else goes back as it came, in its order.
/// </summary>
internal sealed class WireEditor
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Length = 2;
    private const int Fixed32 = 5;
    private readonly List<Field> _fields = [];

    private sealed record Field(int Number, int Type, ulong Value, ReadOnlyMemory<byte> Bytes);

    public WireEditor()
    {
    }

    public WireEditor(ReadOnlyMemory<byte> message)
    {
        var rest = message;
        while (!rest.IsEmpty)
        {
            var key = Read(ref rest);
            var (number, type) = ((int)(key >> 3), (int)(key & 7));
            switch (type)
            {
                case Varint:
                    _fields.Add(new(number, type, Read(ref rest), default));
                    break;
                case Length:
                    var length = (int)Read(ref rest);
                    _fields.Add(new(number, type, 0, rest[..length]));
                    rest = rest[length..];
                    break;
                case Fixed64 or Fixed32:
                    var size = type == Fixed64 ? 8 : 4;
                    _fields.Add(new(number, type, 0, rest[..size]));
                    rest = rest[size..];
                    break;
                default:
                    throw new FormatException($"wire type {type}");
            }
        }
    }

    /// <summary>Puts in the place of each value of a field what <paramref name="edit"/> makes of it; values that it gives back unchanged stay.</summary>
    public WireEditor Edit(int number, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> edit)
    {
        for (var index = 0; index < _fields.Count; index++)
        {
            if (_fields[index] is { Type: Length } field && field.Number == number)
            {
                _fields[index] = field with { Bytes = edit(field.Bytes) };
            }
        }
        return this;
    }

    /// <summary>The same for a field some levels below: <paramref name="path"/> names a field of each level.</summary>
    public WireEditor Edit(ReadOnlySpan<int> path, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> edit)
    {
        if (path.Length == 1)
        {
            return Edit(path[0], edit);
        }
        var below = path[1..].ToArray();
        return Edit(path[0], bytes => new WireEditor(bytes).Edit(below, edit).ToBytes());
    }

    /// <summary>Adds a value.</summary>
    public WireEditor Add(int number, ReadOnlyMemory<byte> bytes)
    {
        _fields.Add(new(number, Length, 0, bytes));
        return this;
    }

    /// <summary>Adds a text.</summary>
    public WireEditor Add(int number, string text) => Add(number, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Takes every value of a field out.</summary>
    public WireEditor Remove(int number)
    {
        _fields.RemoveAll(field => field.Number == number);
        return this;
    }

    /// <summary>The message as it goes over the wire.</summary>
    public ReadOnlyMemory<byte> ToBytes()
    {
        using var bytes = new MemoryStream();
        foreach (var field in _fields)
        {
            Write(bytes, ((ulong)field.Number << 3) | (uint)field.Type);
            if (field.Type == Varint)
            {
                Write(bytes, field.Value);
                continue;
            }
            if (field.Type == Length)
            {
                Write(bytes, (ulong)field.Bytes.Length);
            }
            bytes.Write(field.Bytes.Span);
        }
        return bytes.ToArray();
    }

    /// <summary>The message with its length before it, as recordings keep messages.</summary>
    public static ReadOnlyMemory<byte> Delimited(ReadOnlyMemory<byte> message)
    {
        using var bytes = new MemoryStream();
        Write(bytes, (ulong)message.Length);
        bytes.Write(message.Span);
        return bytes.ToArray();
    }

    private static void Write(MemoryStream to, ulong value)
    {
        for (; value > 0x7F; value >>= 7)
        {
            to.WriteByte((byte)(value | 0x80));
        }
        to.WriteByte((byte)value);
    }

    private static ulong Read(ref ReadOnlyMemory<byte> rest)
    {
        ulong value = 0;
        for (var index = 0; ; index++)
        {
            var part = rest.Span[index];
            value |= (ulong)(part & 0x7F) << (7 * index);
            if (part < 0x80)
            {
                rest = rest[(index + 1)..];
                return value;
            }
        }
    }
}
