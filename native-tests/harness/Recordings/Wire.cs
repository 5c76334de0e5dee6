using System.Text;

namespace Amesh.Harness.Recordings;

/// <summary>
/// A protobuf message as it lies on the wire, field by field. Recordings are read with this and not with the project's own definitions, so that
/// what the harness expects does not come from what it tests.
/// </summary>
internal sealed class Wire
{
    private readonly Dictionary<int, List<ReadOnlyMemory<byte>>> _bytes = [];
    private readonly Dictionary<int, List<ulong>> _numbers = [];

    public Wire(ReadOnlyMemory<byte> message)
    {
        var rest = message;
        while (!rest.IsEmpty)
        {
            var key = Varint(ref rest);
            var field = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    Of(_numbers, field).Add(Varint(ref rest));
                    break;
                case 1:
                    rest = rest[8..];
                    break;
                case 2:
                    var length = (int)Varint(ref rest);
                    Of(_bytes, field).Add(rest[..length]);
                    rest = rest[length..];
                    break;
                case 5:
                    rest = rest[4..];
                    break;
                default:
                    throw new FormatException($"wire type {key & 7}");
            }
        }
    }

    /// <summary>A message that its length lies before.</summary>
    public static Wire Delimited(ReadOnlyMemory<byte> bytes)
    {
        var length = (int)Varint(ref bytes);
        return new Wire(bytes[..length]);
    }

    /// <summary>All messages of a field.</summary>
    public IEnumerable<Wire> Messages(int field) => Of(_bytes, field).Select(static bytes => new Wire(bytes));

    /// <summary>The message of a field; null when absent.</summary>
    public Wire? Message(int field) => _bytes.TryGetValue(field, out var all) ? new Wire(all[^1]) : null;

    /// <summary>All strings of a field.</summary>
    public IEnumerable<string> Strings(int field) => Of(_bytes, field).Select(static bytes => Encoding.UTF8.GetString(bytes.Span));

    /// <summary>The string of a field; empty when absent.</summary>
    public string String(int field) => Strings(field).LastOrDefault() ?? "";

    /// <summary>The bytes of a field; empty when absent.</summary>
    public ReadOnlyMemory<byte> Bytes(int field) => _bytes.TryGetValue(field, out var all) ? all[^1] : default;

    /// <summary>The number of a field; null when absent.</summary>
    public ulong? Number(int field) => _numbers.TryGetValue(field, out var all) ? all[^1] : null;

    private static List<T> Of<T>(Dictionary<int, List<T>> fields, int field) => fields.TryGetValue(field, out var all) ? all : fields[field] = [];

    private static ulong Varint(ref ReadOnlyMemory<byte> rest)
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
