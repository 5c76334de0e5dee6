using System.Text.RegularExpressions;

namespace Amesh.Harness.Verdicts;

/// <summary>Which headers are the proxy's own business and are not compared, and which parts of the others.</summary>
internal static partial class ProxyHeaders
{
    private static readonly HashSet<string> Own = new(StringComparer.Ordinal)
    {
        "server", "x-request-id", "x-forwarded-proto", "date", "connection", "transfer-encoding", "via", "vary", "keep-alive", Endpoints.Answer.EndpointHeader,
    };

    private static readonly HashSet<string> OwnWhereEnvoySendsNone = new(StringComparer.Ordinal) { "x-real-ip", "x-forwarded-host", "x-forwarded-port" };

    /// <summary>Names of headers in which two requests, as an endpoint saw them, differ; each with both sides.</summary>
    public static IEnumerable<string> Differences(
        string where, IReadOnlyDictionary<string, List<string>> expected, IReadOnlyDictionary<string, List<string>> got, Func<string, bool> ignored)
    {
        foreach (var name in expected.Keys.Union(got.Keys).Order(StringComparer.Ordinal))
        {
            var wanted = expected.GetValueOrDefault(name);
            if (IsOwn(name) || ignored(name) || (wanted is null && OwnWhereEnvoySendsNone.Contains(name)))
            {
                continue;
            }
            var there = got.GetValueOrDefault(name);
            if (!Values(name, wanted).SequenceEqual(Values(name, there)))
            {
                yield return $"{where} {name}: expected {Show(wanted)}, got {Show(there)}";
            }
        }
    }

    private static bool IsOwn(string name) =>
        Own.Contains(name) || name.StartsWith("x-envoy-", StringComparison.Ordinal) || name.StartsWith("x-apisix-", StringComparison.Ordinal);

    private static IEnumerable<string> Values(string name, List<string>? values) => name switch
    {
        _ when values is null => [],
        "set-cookie" => values.Select(static value => CookieValue().Replace(value, "=")),
        "x-forwarded-client-cert" => values.Select(static value => Generated().Replace(value, "$1=")),
        _ => values,
    };

    private static string Show(List<string>? values) => values is null ? "none" : string.Join(" | ", values);

    [GeneratedRegex("=[^;]*")]
    private static partial Regex CookieValue();

    /// <summary>What depends on the certificate that was made for the run; that it is there at all is compared.</summary>
    [GeneratedRegex("""\b(Hash|Cert|Chain)=("[^"]*"|[0-9a-f]*)""")]
    private static partial Regex Generated();
}
