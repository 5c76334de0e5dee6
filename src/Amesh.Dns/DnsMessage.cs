using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Amesh.Dns;

/// <summary>DNS on the wire, as much of it as asking for addresses takes. RFC 1035, 3596 and 6891.</summary>
internal static class DnsMessage
{
    /// <summary>The size of answer over UDP that no network cuts into pieces (DNS flag day 2020).</summary>
    public const int UdpSize = 1232;

    public const ushort TypeA = 1;
    public const ushort TypeAaaa = 28;

    private const ushort TypeCname = 5;
    private const ushort TypeOpt = 41;
    private const ushort ClassIn = 1;
    private const int HeaderSize = 12;
    private const int MaxNameLength = 253;
    private const int MaxLabelLength = 63;

    /// <summary>Whether a name can be asked for at all.</summary>
    public static bool IsName(string name)
    {
        string bare = name.EndsWith('.') ? name[..^1] : name;
        return bare.Length is > 0 and <= MaxNameLength
            && Ascii.IsValid(bare)
            && bare.Split('.').All(label => label.Length is > 0 and <= MaxLabelLength);
    }

    /// <summary>A question with recursion desired.</summary>
    public static byte[] Question(ushort id, string name, ushort type, bool extended)
    {
        byte[] message = new byte[HeaderSize + name.TrimEnd('.').Length + 2 + 4 + (extended ? 11 : 0)];
        Span<byte> rest = message;
        BinaryPrimitives.WriteUInt16BigEndian(rest, id);
        rest[2] = 1;
        rest[5] = 1;
        rest[11] = (byte)(extended ? 1 : 0);
        rest = rest[HeaderSize..];
        foreach (string label in name.TrimEnd('.').Split('.'))
        {
            rest[0] = (byte)label.Length;
            Encoding.ASCII.GetBytes(label, rest[1..]);
            rest = rest[(label.Length + 1)..];
        }

        rest = rest[1..];
        BinaryPrimitives.WriteUInt16BigEndian(rest, type);
        BinaryPrimitives.WriteUInt16BigEndian(rest[2..], ClassIn);
        if (extended)
        {
            // The root's name, OPT, and in place of a class the size that is taken.
            BinaryPrimitives.WriteUInt16BigEndian(rest[5..], TypeOpt);
            BinaryPrimitives.WriteUInt16BigEndian(rest[7..], UdpSize);
        }

        return message;
    }

    /// <summary>Whether a message is the answer to a question, and not one that somebody else made up.</summary>
    public static bool Answers(ReadOnlySpan<byte> message, ReadOnlySpan<byte> question)
    {
        if (message.Length < HeaderSize || !message[..2].SequenceEqual(question[..2]) || (message[2] & 0x80) == 0)
        {
            return false;
        }

        // A server that refuses a message as malformed may leave out the question.
        int asked = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        if (asked == 0)
        {
            return (message[3] & 0x0f) != (int)DnsCode.NoError;
        }

        int position = HeaderSize;
        int ours = HeaderSize;
        return asked == 1
            && TryReadName(message, ref position, out string name)
            && TryReadName(question, ref ours, out string wanted)
            && name.Equals(wanted, StringComparison.OrdinalIgnoreCase)
            && message.Length >= position + 4
            && message.Slice(position, 4).SequenceEqual(question.Slice(ours, 4));
    }

    /// <summary>Reads an answer; null where it is malformed.</summary>
    public static DnsReply? Read(ReadOnlySpan<byte> message, ushort type)
    {
        var code = (DnsCode)(message[3] & 0x0f);
        bool truncated = (message[2] & 0x02) != 0;
        int questions = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        int answers = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        int position = HeaderSize;
        string name = "";
        for (int i = 0; i < questions; i++)
        {
            if (!TryReadName(message, ref position, out name) || message.Length < position + 4)
            {
                return null;
            }

            position += 4;
        }

        var records = new List<Resource>();
        for (int i = 0; i < answers; i++)
        {
            if (!TryReadResource(message, ref position, out Resource resource))
            {
                // A cut message ends anywhere; it is asked for again over TCP.
                return truncated ? new DnsReply(code, true, []) : null;
            }

            records.Add(resource);
        }

        return new DnsReply(code, truncated, Follow(name, type, records));
    }

    // An address holds no longer than the aliases that lead to it.
    private static List<FoundAddress> Follow(string name, ushort type, List<Resource> records)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { name };
        uint limit = uint.MaxValue;
        while (records.FirstOrDefault(r => r.Type == TypeCname && names.Contains(r.Name) && !names.Contains(r.Alias)) is { Alias.Length: > 0 } alias)
        {
            names.Add(alias.Alias);
            limit = Math.Min(limit, alias.TimeToLive);
        }

        return [.. records
            .Where(r => r.Type == type && r.Address is not null && names.Contains(r.Name))
            .Select(r => new FoundAddress(r.Address!, TimeSpan.FromSeconds(Math.Min(limit, r.TimeToLive))))];
    }

    private static bool TryReadResource(ReadOnlySpan<byte> message, ref int position, out Resource resource)
    {
        resource = default;
        if (!TryReadName(message, ref position, out string name) || message.Length < position + 10)
        {
            return false;
        }

        ReadOnlySpan<byte> head = message[position..];
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(head);
        uint timeToLive = BinaryPrimitives.ReadUInt32BigEndian(head[4..]);
        int length = BinaryPrimitives.ReadUInt16BigEndian(head[8..]);
        position += 10;
        if (message.Length < position + length)
        {
            return false;
        }

        string alias = "";
        int target = position;
        if (type == TypeCname && !TryReadName(message, ref target, out alias))
        {
            return false;
        }

        IPAddress? address = (type, length) is (TypeA, 4) or (TypeAaaa, 16) ? new IPAddress(message.Slice(position, length)) : null;
        position += length;

        // RFC 2181: a time with the highest bit set is none.
        resource = new Resource(name, type, timeToLive > int.MaxValue ? 0 : timeToLive, address, alias);
        return true;
    }

    private static bool TryReadName(ReadOnlySpan<byte> message, ref int position, out string name)
    {
        var text = new StringBuilder();
        int at = position;
        bool jumped = false;
        name = "";

        // Each round takes a label or a pointer, so a pointer that leads in a circle ends here as well.
        for (int rounds = 0; rounds < 128; rounds++)
        {
            if (at >= message.Length)
            {
                return false;
            }

            int length = message[at];
            if (length == 0)
            {
                position = jumped ? position : at + 1;
                name = text.ToString();
                return true;
            }

            if ((length & 0xc0) == 0xc0)
            {
                if (at + 1 >= message.Length)
                {
                    return false;
                }

                position = jumped ? position : at + 2;
                jumped = true;
                at = ((length & 0x3f) << 8) | message[at + 1];
                continue;
            }

            if (length > MaxLabelLength || at + 1 + length > message.Length)
            {
                return false;
            }

            // What is longer is no name, and pointers could make much of little.
            if (text.Length + 1 + length > MaxNameLength + 1)
            {
                return false;
            }

            text.Append(text.Length > 0 ? "." : "").Append(Encoding.Latin1.GetString(message.Slice(at + 1, length)));
            at += 1 + length;
        }

        return false;
    }

    private readonly record struct Resource(string Name, ushort Type, uint TimeToLive, IPAddress? Address, string Alias);
}

/// <summary>A server's verdict on a question (RFC 1035, RCODE).</summary>
internal enum DnsCode
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NoSuchName = 3,
    NotImplemented = 4,
    Refused = 5,
}

/// <summary>An answer.</summary>
/// <param name="Code">The server's verdict.</param>
/// <param name="IsTruncated">There is more than fits a datagram.</param>
/// <param name="Addresses">The addresses of the name, or of what it is an alias of.</param>
internal sealed record DnsReply(DnsCode Code, bool IsTruncated, IReadOnlyList<FoundAddress> Addresses);
