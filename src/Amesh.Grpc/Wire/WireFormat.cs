using System.Globalization;
using System.Text;

namespace Amesh.Grpc.Wire;

/// <summary>Names and small encodings of gRPC over HTTP/2 (PROTOCOL-HTTP2.md of the gRPC project).</summary>
internal static class WireFormat
{
    public const int PrefixLength = 5;
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string Timeout = "grpc-timeout";
    public const string Gzip = "gzip";
    public const string Identity = "identity";
    public const string AcceptedEncodings = "identity,gzip";

    /// <summary>application/grpc, application/grpc+proto, application/grpc;charset=utf-8; but not application/grpc-web.</summary>
    public static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';' or ' ');

    /// <summary>True for what the protocol itself puts among the headers or trailers: not metadata.</summary>
    public static bool IsProtocolHeader(string name) =>
        name is Status or Message or Encoding or AcceptEncoding or Timeout or "content-type" or "te" or "content-length";

    /// <summary>At most eight digits and a unit: the finest unit that has room.</summary>
    public static string FormatTimeout(TimeSpan timeout)
    {
        long microseconds = Math.Max(1, timeout.Ticks / TimeSpan.TicksPerMicrosecond);
        const long Room = 99_999_999;
        (long value, char unit) = microseconds switch
        {
            <= Room => (microseconds, 'u'),
            <= Room * 1_000 => (microseconds / 1_000, 'm'),
            <= Room * 1_000_000 => (microseconds / 1_000_000, 'S'),
            _ => (Math.Min(Room, microseconds / 3_600_000_000), 'H'),
        };
        return value.ToString(CultureInfo.InvariantCulture) + unit;
    }

    public static bool TryParseTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long value))
        {
            return false;
        }
        long? ticks = text[^1] switch
        {
            'H' => value * TimeSpan.TicksPerHour,
            'M' => value * TimeSpan.TicksPerMinute,
            'S' => value * TimeSpan.TicksPerSecond,
            'm' => value * TimeSpan.TicksPerMillisecond,
            'u' => value * TimeSpan.TicksPerMicrosecond,
            'n' => value / 100,
            _ => null,
        };
        timeout = new TimeSpan(ticks ?? 0);
        return ticks is not null;
    }

    /// <summary>grpc-message: UTF-8, everything but printable ASCII and the percent sign itself as %XX.</summary>
    public static string EncodeMessage(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%'))
        {
            return text;
        }
        StringBuilder encoded = new(text.Length + 16);
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(text))
        {
            if (b is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }
        return encoded.ToString();
    }

    /// <summary>The reverse; what is not a valid escape stays as it came, since a message must never make things worse.</summary>
    public static string DecodeMessage(string text)
    {
        if (!text.Contains('%'))
        {
            return text;
        }
        byte[] bytes = new byte[System.Text.Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '%' && i + 2 < text.Length
                && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes[length++] = value;
                i += 2;
            }
            else
            {
                length += System.Text.Encoding.UTF8.GetBytes(text.AsSpan(i, 1), bytes.AsSpan(length));
            }
        }
        return System.Text.Encoding.UTF8.GetString(bytes, 0, length);
    }
}
