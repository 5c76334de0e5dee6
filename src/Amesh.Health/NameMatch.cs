using System.Net;
using System.Text.RegularExpressions;
using Amesh.Apisix;

namespace Amesh.Health;

/// <summary>Compares names, as lua/apisix/amesh/san_match.lua does for requests.</summary>
internal static class NameMatch
{
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(100);

    public static bool Holds(SanMatch match, PeerName name)
    {
        if (match.Type != "any" && match.Type != name.Type)
        {
            return false;
        }

        if (match.Exact is { } exact && name.Type == "ip" && IPAddress.TryParse(exact, out IPAddress? wanted))
        {
            return wanted.ToString() == name.Value;
        }

        // A certificate's wildcard stands for one label.
        return (match.Exact is { Length: > 0 } host && name.Type == "dns" && IsWildcardOf(name.Value, host)) || Holds(match, name.Value, ignoreCase: match.Type == "dns");
    }

    public static bool Holds(StringMatch match, string text, bool ignoreCase = false)
    {
        StringComparison comparison = ignoreCase || match.IgnoreCase == true ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        return match.Exact is { } exact ? exact.Length > 0 && text.Equals(exact, comparison)
            : match.Prefix is { } prefix ? text.StartsWith(prefix, comparison)
            : match.Suffix is { } suffix ? text.EndsWith(suffix, comparison)
            : match.Contains is { } part ? text.Contains(part, comparison)
            : match.Regex is { } regex && Regex.IsMatch(text, $"^(?:{regex})$", RegexOptions.CultureInvariant, _patience);
    }

    private static bool IsWildcardOf(string name, string host) =>
        name.StartsWith("*.", StringComparison.Ordinal)
        && host.IndexOf('.') is > 0 and var dot
        && host.AsSpan(dot).Equals(name.AsSpan(1), StringComparison.OrdinalIgnoreCase);
}
