namespace Amesh.Apisix;

/// <summary>
/// The rules of APISIX's schema that a mesh can run into. APISIX drops an object that breaks one, so a translator asks
/// before. Source: APISIX's schema_def.lua.
/// </summary>
public static class Schema
{
    /// <summary>How long a label's value may be.</summary>
    public const int MaxLabelLength = 256;

    /// <summary>A label's value: 1 to 256 characters without white space.</summary>
    public static bool IsLabel(string value) => value.Length is > 0 and <= MaxLabelLength && !value.Any(char.IsWhiteSpace);

    /// <summary>One of <c>hosts</c>: a name or address, perhaps with one <c>*</c> in front.</summary>
    public static bool IsHost(string host)
    {
        string name = host.StartsWith('*') ? host[1..] : host;
        return name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '[' or ']' or ':');
    }

    /// <summary>An address as a node's host: IPv6 in brackets, because APISIX writes host and port side by side.</summary>
    public static string NodeHost(string address) =>
        address.Contains(':', StringComparison.Ordinal) && !address.StartsWith('[') ? $"[{address}]" : address;
}
