using System.Collections;

namespace Amesh.Grpc;

/// <summary>
/// Metadata of a call: names with ASCII values, or with bytes where the name ends in <c>-bin</c>. A name may occur more than once;
/// the order of values of one name is kept. Not safe for concurrent changes.
/// </summary>
public sealed class GrpcMetadata : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _entries = [];

    /// <summary>How many values there are.</summary>
    public int Count => _entries.Count;

    /// <summary>Adds a text value.</summary>
    /// <param name="name">Lower-case letters, digits, <c>-</c>, <c>_</c> and <c>.</c>; must not end in <c>-bin</c>.</param>
    /// <param name="value">Printable ASCII.</param>
    /// <exception cref="ArgumentException">The name or the value may not go over the wire.</exception>
    public void Add(string name, string value)
    {
        CheckName(name);
        if (IsBinary(name))
        {
            throw new ArgumentException($"metadata '{name}' ends in -bin and so has bytes: use AddBinary", nameof(name));
        }
        ArgumentNullException.ThrowIfNull(value);
        if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new ArgumentException($"the value of metadata '{name}' has characters other than printable ASCII: use a name that ends in -bin and AddBinary", nameof(value));
        }
        _entries.Add(new(name, value));
    }

    /// <summary>Adds a value of bytes; it travels, and is listed, as base64.</summary>
    /// <param name="name">As for <see cref="Add"/>, but ending in <c>-bin</c>.</param>
    /// <param name="value">Any bytes.</param>
    /// <exception cref="ArgumentException">The name is not valid or does not end in <c>-bin</c>.</exception>
    public void AddBinary(string name, ReadOnlySpan<byte> value)
    {
        CheckName(name);
        if (!IsBinary(name))
        {
            throw new ArgumentException($"metadata '{name}' must end in -bin to have bytes", nameof(name));
        }
        _entries.Add(new(name, Convert.ToBase64String(value).TrimEnd('=')));
    }

    /// <summary>Finds the first value of a name.</summary>
    /// <param name="name">The name, lower case.</param>
    /// <param name="value">The value; base64 for a name that ends in <c>-bin</c>.</param>
    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? value)
    {
        foreach (KeyValuePair<string, string> entry in _entries)
        {
            if (entry.Key == name)
            {
                value = entry.Value;
                return true;
            }
        }
        value = null;
        return false;
    }

    /// <summary>Finds the first value of a name that ends in <c>-bin</c>; false also when what came is not base64.</summary>
    /// <param name="name">The name, lower case, ending in <c>-bin</c>.</param>
    /// <param name="value">The bytes.</param>
    public bool TryGetBinary(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        if (!TryGet(name, out string? text))
        {
            return false;
        }
        // The protocol lets senders leave out the padding; .NET's decoder insists on it.
        string padded = text.TrimEnd('=');
        padded = padded.PadRight((padded.Length + 3) / 4 * 4, '=');
        byte[] bytes = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64String(padded, bytes, out int length))
        {
            return false;
        }
        value = bytes[..length];
        return true;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static bool IsBinary(string name) => name.EndsWith("-bin", StringComparison.Ordinal);

    /// <summary>What came over the wire: not checked, since the other side's mistakes are only to be shown.</summary>
    internal void AddReceived(string name, string value)
    {
        if (!IsBinary(name) || !value.Contains(','))
        {
            _entries.Add(new(name, value));
            return;
        }
        // Several binary values of one name may have been joined into one header on the way; base64 has no comma.
        foreach (string part in value.Split(',', StringSplitOptions.TrimEntries))
        {
            _entries.Add(new(name, part));
        }
    }

    private static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        foreach (char c in name)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.'))
            {
                throw new ArgumentException($"metadata name '{name}' may only have lower-case letters, digits, '-', '_' and '.'", nameof(name));
            }
        }
        if (name.StartsWith("grpc-", StringComparison.Ordinal) && name != "grpc-status-details-bin")
        {
            throw new ArgumentException($"metadata name '{name}' begins with 'grpc-', which the protocol keeps for itself", nameof(name));
        }
        if (name is "te" or "content-type" or "host" or "connection" or "transfer-encoding" or "content-length")
        {
            throw new ArgumentException($"metadata name '{name}' belongs to HTTP", nameof(name));
        }
    }
}
