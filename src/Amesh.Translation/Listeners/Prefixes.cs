using System.Globalization;
using System.Net;
using Envoy.Config.Core.V3;
using Google.Protobuf.Collections;

namespace Amesh.Translation.Listeners;

/// <summary>Address ranges as texts that are equal where the ranges are.</summary>
internal static class Prefixes
{
    /// <summary>For example <c>10.0.0.0/8</c>; null where it is no range.</summary>
    public static string? Text(CidrRange range)
    {
        if (!IPAddress.TryParse(range.AddressPrefix, out IPAddress? address))
        {
            return null;
        }

        byte[] bytes = address.GetAddressBytes();
        uint length = range.PrefixLen ?? 0;
        if (length > (uint)bytes.Length * 8)
        {
            return null;
        }

        for (int i = 0; i < bytes.Length; i++)
        {
            int kept = Math.Clamp((int)length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff << (8 - kept));
        }

        return string.Create(CultureInfo.InvariantCulture, $"{new IPAddress(bytes)}/{length}");
    }

    /// <summary>All that are ranges; null where there are none. One that is none is told, and makes the whole invalid.</summary>
    public static IReadOnlyList<string>? All(RepeatedField<CidrRange> ranges, string field, DiagnosticScope diagnostics, ref bool isValid)
    {
        var texts = new SortedSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < ranges.Count; i++)
        {
            if (Text(ranges[i]) is { } text)
            {
                texts.Add(text);
            }
            else
            {
                diagnostics.Refused($"{field}[{i}]", $"{ranges[i].AddressPrefix}/{ranges[i].PrefixLen} is no address range; it is left out");
                isValid = false;
            }
        }

        return texts.Count == 0 ? null : [.. texts];
    }
}
