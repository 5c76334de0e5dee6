using System.Text.RegularExpressions;
using Amesh.Xds.Recordings;

namespace Amesh.Xds.Tests;

/// <summary>The private keys of recorded meshes, to be looked for where they must not be.</summary>
internal static partial class KeyMaterial
{
    /// <summary>Recordings with private keys in them.</summary>
    public static IReadOnlyList<string> Recordings { get; } =
        ["istio/gateway", "kuma/bookinfo", "kuma/bookinfo-2.14", "kuma/bookinfo-tproxy", "kuma/policies", "consul/bookinfo", "consul/bookinfo-tproxy", "osm/bookinfo"];

    /// <summary>Every line of every private key of a recording, as it stands in the PEM text and in base64 of that text.</summary>
    public static IReadOnlySet<string> Of(string recording)
    {
        var lines = new HashSet<string>();
        Recording recorded = Recording.Open(Repository.Sample(recording));
        foreach (RecordedEvent one in recorded.Protocols.SelectMany(protocol => recorded.Stream(protocol).Events).Where(one => one.IsResponse))
        {
            foreach (Match key in Keys().Matches(System.Text.Encoding.Latin1.GetString(one.Message.Span)))
            {
                lines.UnionWith(key.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(line => line.Length > 20));
            }
        }

        Assert.NotEmpty(lines);
        return lines;
    }

    /// <summary>Fails where a text has a private key, or a line of one of these.</summary>
    public static void AssertAbsent(IReadOnlySet<string> keys, string text, string where)
    {
        Assert.False(text.Contains("PRIVATE KEY", StringComparison.Ordinal), $"{where} has a private key");
        Assert.False(keys.Any(line => text.Contains(line, StringComparison.Ordinal)), $"{where} has a line of a private key");
    }

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END", RegexOptions.Singleline)]
    private static partial Regex Keys();
}
