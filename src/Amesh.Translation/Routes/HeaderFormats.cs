using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's command operators in header values. They are filled in by lua/apisix/amesh/header_format.lua.</summary>
internal static partial class HeaderFormats
{
    /// <summary>The operators that the Lua side knows, in the same order as there.</summary>
    public static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "BYTES_RECEIVED", "CONNECTION_ID", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS", "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
        "DOWNSTREAM_LOCAL_ADDRESS", "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_LOCAL_PORT", "DOWNSTREAM_REMOTE_ADDRESS",
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_REMOTE_PORT", "DURATION", "ENVIRONMENT", "HOSTNAME", "PATH", "PROTOCOL",
        "REQ", "REQUESTED_SERVER_NAME", "REQUEST_DURATION", "RESP", "RESPONSE_CODE", "ROUTE_NAME", "START_TIME", "UPSTREAM_CLUSTER",
        "UPSTREAM_CLUSTER_RAW", "UPSTREAM_HOST", "UPSTREAM_REMOTE_ADDRESS", "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
        "UPSTREAM_REMOTE_PORT", "UPSTREAM_REQUEST_ATTEMPT_COUNT");

    /// <summary>The first operator of a value that is not known; null where all are.</summary>
    public static string? Unknown(string value)
    {
        foreach (Match match in Operator().Matches(value.Replace("%%", "", StringComparison.Ordinal)))
        {
            if (!Known.Contains(match.Groups[1].Value))
            {
                return match.Value;
            }
        }

        return null;
    }

    [GeneratedRegex("%([A-Z_0-9]+)(?:\\([^)]*\\))?(?::[0-9]+)?%", RegexOptions.ECMAScript)]
    private static partial Regex Operator();
}
