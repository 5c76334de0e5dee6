using System.Globalization;
using System.Text;

namespace Amesh.Harness.Endpoints;

/// <summary>Header block and body of an HTTP/1.1 message, read byte for byte: no library is between the wire and what a verdict compares.</summary>
internal sealed record Http1Message(string StartLine, List<KeyValuePair<string, string>> Headers, byte[] Body, bool Whole)
{
    /// <summary>First value of a header, whatever the case of its name.</summary>
    public string? Header(string name) =>
        Headers.FirstOrDefault(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)) is { Key: not null } found ? found.Value : null;

    /// <summary>Reads start line and headers; null when the stream ended before they did.</summary>
    public static async Task<Http1Message?> ReadHeadAsync(ByteReader reader, CancellationToken stop)
    {
        if (await reader.ReadLineAsync(stop) is not { } startLine)
        {
            return null;
        }
        var headers = new List<KeyValuePair<string, string>>();
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (line.Length == 0)
            {
                return new Http1Message(startLine, headers, [], true);
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add(colon < 0 ? new(line, "") : new(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }
        return null;
    }

    /// <summary>
    /// Adds the body as the headers frame it: chunked, counted, or (for an answer) up to the end of the stream. A cut body leaves
    /// <see cref="Whole"/> false.
    /// </summary>
    public async Task<Http1Message> WithBodyAsync(ByteReader reader, bool untilEnd, CancellationToken stop)
    {
        if (Header("transfer-encoding")?.Contains("chunked", StringComparison.OrdinalIgnoreCase) == true)
        {
            return await WithChunksAsync(reader, stop);
        }
        if (long.TryParse(Header("content-length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            var counted = await reader.ReadAsync(length, stop);
            return this with { Body = counted, Whole = counted.Length == length };
        }
        return untilEnd ? this with { Body = await reader.ReadAsync(long.MaxValue, stop) } : this;
    }

    private async Task<Http1Message> WithChunksAsync(ByteReader reader, CancellationToken stop)
    {
        using var body = new MemoryStream();
        while (await reader.ReadLineAsync(stop) is { } sizeLine
            && int.TryParse(sizeLine.Split(';')[0].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var size))
        {
            if (size == 0)
            {
                while (await reader.ReadLineAsync(stop) is { Length: > 0 })
                {
                }
                return this with { Body = body.ToArray() };
            }
            body.Write(await reader.ReadAsync(size, stop));
            await reader.ReadLineAsync(stop);
        }
        return this with { Body = body.ToArray(), Whole = false };
    }

    /// <summary>Text of bytes: UTF-8 where they are that, else one char per byte.</summary>
    public static string Text(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }
}
