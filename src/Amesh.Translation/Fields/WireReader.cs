namespace Amesh.Translation.Fields;

/// <summary>
/// Reads tags and skips fields of a message's wire bytes without making objects. <c>CodedInputStream</c> would need an array for each message.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether the bytes are no message: cut off, or with wire types that nobody has used since proto2.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The next field; false at the end, and where the bytes are broken.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="payload">Its bytes without tag and length.</param>
    /// <param name="isDelimited">Whether it is of the wire type of texts and messages.</param>
    public bool Next(out uint number, out ReadOnlySpan<byte> payload, out bool isDelimited)
    {
        number = 0;
        payload = default;
        isDelimited = false;
        if (_rest.IsEmpty || IsBroken)
        {
            return false;
        }

        ulong tag = Varint();
        number = (uint)(tag >> 3);
        isDelimited = (tag & 7) == 2;
        ReadOnlySpan<byte> start = _rest;
        ulong length = (tag & 7) switch
        {
            0 => VarintLength(),
            1 => 8,
            2 => Varint(),
            5 => 4,
            _ => ulong.MaxValue,
        };
        if (!isDelimited)
        {
            _rest = start;
        }

        if (IsBroken || number == 0 || length > (ulong)_rest.Length)
        {
            IsBroken = true;
            return false;
        }

        payload = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return true;
    }

    private ulong VarintLength()
    {
        int before = _rest.Length;
        Varint();
        return (ulong)(before - _rest.Length);
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }

        IsBroken = true;
        return 0;
    }
}
