using System.Text;
using System.Text.Json;
using Amesh.Harness.Endpoints;

namespace Amesh.Harness.Verdicts;

/// <summary>
/// The last recorded score of every scenario, target and protocol: <c>native-tests/verdicts/scores.json</c>, and <c>docs/verdicts.md</c> made of it.
/// </summary>
internal static class Scoreboard
{
    private static string DataFile => Repository.At("native-tests", "verdicts", "scores.json");

    /// <summary>Puts a score in its place and writes the page anew.</summary>
    public static void Record(Score score)
    {
        var rows = File.Exists(DataFile) ? JsonSerializer.Deserialize<List<ScoreRow>>(File.ReadAllBytes(DataFile), Answer.IndentedJson) ?? [] : [];
        rows.RemoveAll(row => row.Scenario == score.Scenario && row.Target == score.Target && row.Protocol == score.Protocol);
        rows.Add(new ScoreRow(score.Scenario, score.Target, score.Protocol, score.Passed, score.Known, score.Failed));
        rows = [.. rows.OrderBy(static row => row.Scenario, StringComparer.Ordinal).ThenBy(static row => row.Target, StringComparer.Ordinal).ThenBy(static row => row.Protocol, StringComparer.Ordinal)];
        File.WriteAllText(DataFile, JsonSerializer.Serialize(rows, Answer.IndentedJson) + "\n");
        File.WriteAllText(Repository.At("docs", "verdicts.md"), Page(rows, KnownDifferences.Read()));
    }

    /// <summary>The page.</summary>
    internal static string Page(IReadOnlyList<ScoreRow> rows, KnownDifferences known)
    {
        var page = new StringBuilder("""
            # Verdicts: how near to Envoy

            A real Envoy 1.40 was given every step of the recorded meshes in `samples/`, and real requests were sent through it; what came of them is in
            `native-tests/verdicts/`. The same requests go through the gateway with `libxds.so` under the same recording, in a network namespace
            with the same redirection, and are compared: statuses, endpoints, what the endpoint saw, headers, redirects, times. Shares may differ by
            chance (four standard deviations), lengths of time by 20% and 50 ms; the proxy's own headers are not compared.

            `gateway` is nginx with the smallest double of APISIX (`native-tests/gateway`); `apisix` is a real Apache APISIX 3 (3.18); `apisix-stock` is the same
            with APISIX's own router, `radixtree_host_uri`, on the same objects.

            This page is written by `harness verdicts --scenario NAME --record`; `./build.sh test` runs Istio's Bookinfo, traffic, resilience, protocols,
            gateway, security and the inbound side of reviews, and Kuma's Bookinfo and policies each time, and with APISIX_HOME set some of them in APISIX.

            | scenario | target | protocol | hold | known not to hold | fail | of |
            |---|---|---|---:|---:|---:|---:|

            """);
        foreach (var row in rows)
        {
            page.AppendLine($"| {row.Scenario} | {row.Target} | {row.Protocol} | {row.Passed} | {row.Known} | {row.Failed} | {row.Passed + row.Known + row.Failed} |");
        }
        page.AppendLine().AppendLine("## Known not to hold").AppendLine();
        if (known.Entries.Count == 0)
        {
            page.AppendLine("None.");
        }
        foreach (var entry in known.Entries)
        {
            page.AppendLine($"- {entry.Scenario} `{entry.Case}`{(entry.Target is null ? "" : $" ({entry.Target})")}: {entry.Reason}");
        }
        return page.ToString();
    }
}

/// <summary>One line of the scores.</summary>
internal sealed record ScoreRow(string Scenario, string Target, string Protocol, int Passed, int Known, int Failed);
