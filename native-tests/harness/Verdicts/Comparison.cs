using System.Globalization;
using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Recordings;

namespace Amesh.Harness.Verdicts;

/// <summary>
/// Compares what the gateway did with what a real Envoy did, as the verdicts ask: sets must be equal, shares within four standard deviations,
/// lengths of time within 20% and 50 ms, the proxy's own headers not at all.
/// </summary>
internal static class Comparison
{
    /// <summary>What the endpoint reports and answers of single requests, beside the counts.</summary>
    /// <param name="Outcome">The counts, as in the verdicts.</param>
    /// <param name="Replies">Every reply, in order.</param>
    public sealed record Measured(Outcome Outcome, IReadOnlyList<Reply> Replies);

    private const string FromBackend = "x-from-backend";
    private const string AboutTime = "seconds: ";

    private static readonly string[] ErrorWords =
        ["fault filter abort", "no healthy upstream", "upstream request timeout", "upstream connect error", "RBAC: access denied", "Jwt ", "Request Timeout"];

    /// <summary>All differences, in words; none when the case holds.</summary>
    /// <param name="verdict">The case with what Envoy did.</param>
    /// <param name="measured">What the gateway did.</param>
    /// <param name="targets">What the step's routes may send requests to: tells which endpoints may stand for one another by chance.</param>
    /// <param name="partialMirrors">Endpoints that get copies of some requests only.</param>
    public static List<string> Differences(VerdictCase verdict, Measured measured, IReadOnlyList<RouteTarget> targets, IReadOnlySet<string>? partialMirrors = null)
    {
        var expected = verdict.Got;
        var got = measured.Outcome;
        List<string> differences =
        [
            .. Statuses(verdict, got),
            .. ServedBy(expected, got, targets),
            .. AlsoReached(verdict, got, targets, partialMirrors),
        ];
        if (differences.Count == 0)
        {
            differences.AddRange(Seen(expected, measured));
            differences.AddRange(AnswerDiffers(expected, measured));
            differences.AddRange(Time(verdict, got));
        }
        return differences;
    }

    /// <summary>True when a difference is of length of time alone.</summary>
    public static bool IsAboutTime(string difference) => difference.StartsWith(AboutTime, StringComparison.Ordinal);

    private static IEnumerable<string> Statuses(VerdictCase verdict, Outcome got)
    {
        var expected = Refusals(verdict.Got.Status);
        var there = Refusals(got.Status);
        var (size, sizeGot) = (expected.Values.Sum(), there.Values.Sum());
        var fits = there.Keys.All(expected.ContainsKey)
            && expected.All(status => Chance.SameShare(status.Value, size, there.GetValueOrDefault(status.Key), sizeGot));
        if (!fits)
        {
            yield return $"status: expected {Show(verdict.Got.Status)}, got {Show(got.Status)}{(got.Error is null ? "" : $" ({got.Error})")}";
        }
    }

    /// <summary>How a refused connection looks to the client is the proxy's own: both ways count as one.</summary>
    private static Dictionary<string, int> Refusals(Dictionary<string, int> statuses) =>
        statuses.GroupBy(static status => status.Key is Reply.HandshakeFailed or Reply.ClosedWithoutAnswer ? "refused" : status.Key)
            .ToDictionary(static group => group.Key, static group => group.Sum(static status => status.Value));

    private static IEnumerable<string> ServedBy(Outcome expected, Outcome got, IReadOnlyList<RouteTarget> targets)
    {
        var message = $"served by: expected {Show(expected.ServedBy)}, got {Show(got.ServedBy)}";
        // A TCP client that got an HTTP error line has the code where an address should be.
        if (expected.ServedBy.Keys.Any(static address => !address.Contains(':', StringComparison.Ordinal)))
        {
            if (!expected.ServedBy.Keys.ToHashSet().SetEquals(got.ServedBy.Keys))
            {
                yield return message;
            }
            yield break;
        }
        var (size, sizeGot) = (expected.ServedBy.Values.Sum(), got.ServedBy.Values.Sum());
        if ((size == 0) != (sizeGot == 0))
        {
            yield return message;
            yield break;
        }
        var hashed = expected.ServedBy.Count == 1 && size > 1 && targets.Any(target => target.Hashed && target.Shares.ContainsKey(expected.ServedBy.Keys.First()));
        if (hashed)
        {
            if (got.ServedBy.Count != 1 || !targets.Any(target => target.Hashed && target.Shares.ContainsKey(got.ServedBy.Keys.First())))
            {
                yield return message + " (one key must go to one endpoint)";
            }
            yield break;
        }
        var allowed = Allowed(expected.ServedBy, targets);
        if (!got.ServedBy.Keys.All(allowed.Contains)
            || !expected.ServedBy.Keys.Union(got.ServedBy.Keys).All(endpoint =>
                Chance.SameShare(expected.ServedBy.GetValueOrDefault(endpoint), size, got.ServedBy.GetValueOrDefault(endpoint), sizeGot)))
        {
            yield return message;
        }
        else if (NeverReached(expected.ServedBy, got.ServedBy, targets) is { } forgotten)
        {
            yield return $"{message} ({forgotten} cannot be left out by chance)";
        }
    }

    /// <summary>An endpoint that Envoy used and the gateway did not, though its share of the route says that it would have come up.</summary>
    private static string? NeverReached(Dictionary<string, int> expected, Dictionary<string, int> got, IReadOnlyList<RouteTarget> targets)
    {
        var routes = targets.Where(target => expected.Keys.Concat(got.Keys).All(target.Shares.ContainsKey)).ToList();
        return expected.Keys.Except(got.Keys).FirstOrDefault(endpoint =>
            routes.Count > 0 && !routes.Any(route => Chance.MayAllFallIn(1 - route.Shares[endpoint], got.Values.Sum())));
    }

    /// <summary>The endpoints seen, and those that the same route could as well have sent to, unless the sample is too large for that.</summary>
    private static HashSet<string> Allowed(Dictionary<string, int> seen, IReadOnlyList<RouteTarget> targets)
    {
        var size = seen.Values.Sum();
        var allowed = seen.Keys.ToHashSet();
        foreach (var target in targets.Where(target => seen.Keys.All(target.Shares.ContainsKey)
            && Chance.MayAllFallIn(seen.Keys.Sum(endpoint => target.Shares[endpoint]), size)))
        {
            allowed.UnionWith(target.Shares.Keys);
        }
        return allowed;
    }

    private static IEnumerable<string> AlsoReached(VerdictCase verdict, Outcome got, IReadOnlyList<RouteTarget> targets, IReadOnlySet<string>? partialMirrors)
    {
        var expected = verdict.Got;
        if (partialMirrors is not null && verdict.Times < 10)
        {
            expected = WithoutCopies(expected);
            got = WithoutCopies(got);
        }

        Outcome WithoutCopies(Outcome outcome) => outcome with
        {
            AlsoReached = outcome.AlsoReached.Select(reached => (reached.Key, Count: reached.Value - (partialMirrors.Contains(reached.Key) ? verdict.Times : 0)))
                .Where(static reached => reached.Count > 0).ToDictionary(static reached => reached.Key, static reached => reached.Count),
        };

        var (total, totalGot) = (expected.AlsoReached.Values.Sum(), got.AlsoReached.Values.Sum());
        var byChance = total % verdict.Times != 0;
        var sameCount = byChance ? verdict.Times < 10 || Chance.SameShare(Math.Min(total, verdict.Times), verdict.Times, Math.Min(totalGot, verdict.Times), verdict.Times) : total == totalGot;
        var allowed = Allowed(expected.AlsoReached, targets);
        allowed.UnionWith(expected.ServedBy.Count > 0 && total > verdict.Times ? Allowed(expected.ServedBy, targets) : []);
        if (!sameCount || !got.AlsoReached.Keys.All(allowed.Contains))
        {
            yield return $"also reached: expected {Show(expected.AlsoReached)}, got {Show(got.AlsoReached)}";
        }
    }

    private static IEnumerable<string> Seen(Outcome expected, Measured measured)
    {
        if (expected.Seen is not { } seen)
        {
            yield break;
        }
        var reports = measured.Replies.Select(static reply => reply.Report).OfType<SeenRequest>().ToList();
        if ((reports.LastOrDefault(report => report.ServedBy == seen.ServedBy) ?? reports.LastOrDefault()) is not { } got)
        {
            yield return "seen: no report of an endpoint came back";
            yield break;
        }
        foreach (var (what, wanted, there) in new[]
        {
            ("method", seen.Method, got.Method), ("path", seen.Path, got.Path), ("host", seen.Host, got.Host), ("body", seen.Body, got.Body), ("sni", seen.Sni, Asked(seen, got)), ("peer", seen.Peer, got.Peer),
        })
        {
            if (wanted != there)
            {
                yield return $"seen {what}: expected {wanted ?? "none"}, got {there ?? "none"}";
            }
        }
        // A counted body may travel on in chunks: then there is no content-length, and the body itself is compared.
        foreach (var difference in ProxyHeaders.Differences("seen", seen.Headers, got.Headers, name => name == "content-length" && (!got.Headers.ContainsKey(name) || seen.Body is null)))
        {
            yield return difference;
        }
    }

    /// <summary>The server name goes with the cluster, and so with the endpoint: of another one of the same route only that there is one is compared.</summary>
    private static string? Asked(SeenRequest seen, SeenRequest got) => seen.ServedBy != got.ServedBy && got.Sni is { Length: > 0 } && seen.Sni is not null ? seen.Sni : got.Sni;

    private static IEnumerable<string> AnswerDiffers(Outcome expected, Measured measured)
    {
        // The verdict has the last answer's; by chance that may be of another kind here: one of the same kind is compared.
        bool SameKind(Reply reply) => reply.Headers.ContainsKey(FromBackend) == expected.ResponseHeaders.ContainsKey(FromBackend);
        var reply = measured.Replies.LastOrDefault(reply => SameKind(reply) && expected.Seen is not null && reply.Report?.ServedBy == expected.Seen.ServedBy)
            ?? measured.Replies.LastOrDefault(SameKind) ?? measured.Replies[^1];
        var failed = IsError(expected, reply);
        foreach (var difference in ProxyHeaders.Differences(
            "answer", expected.ResponseHeaders, reply.Headers, name => name == "content-length" || (failed && name == "content-type")))
        {
            yield return difference;
        }
        if (expected.Body is { } body && !failed && Kind(body) != Kind(reply.Body))
        {
            yield return $"answer body: expected {body}, got {reply.Body}";
        }
    }

    /// <summary>An answer whose words and type are the proxy's own: an error that neither an endpoint nor the configuration worded.</summary>
    private static bool IsError(Outcome expected, Reply reply)
    {
        var code = int.TryParse(reply.Status, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : 0;
        return expected.Body is null
            ? code >= 400
            : ErrorWords.Any(words => expected.Body.StartsWith(words, StringComparison.Ordinal)) || expected.Body.StartsWith("HTTP/1.1 4", StringComparison.Ordinal);
    }

    /// <summary>A TCP answer names the endpoint, which <c>served_by</c> compares; what is left is how it was reached.</summary>
    private static string Kind(string body) =>
        body.Split(' ') is ["tcp" or "tls", var address, ..] words && address.Contains(':', StringComparison.Ordinal) ? words[0] + " " + string.Join(' ', words.Skip(2)) : body;

    private static IEnumerable<string> Time(VerdictCase verdict, Outcome got)
    {
        var (expected, there) = (verdict.Got.Seconds ?? 0, got.Seconds ?? 0);
        // Back-off between tries is random: only its order is compared. A timeout's or a delay's length is not.
        var backsOff = verdict.Got.AlsoReached.Count > 0 && expected < 1 && !verdict.Got.Status.ContainsKey("504");
        // After an HTTP error on a connection that was none of HTTP, how long the proxy waits before it closes is its own.
        var closesLate = verdict.Got.Body?.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) == true;
        var fits = backsOff || closesLate ? there <= Math.Max(1, 10 * expected)
            : expected < 0.1 ? there <= 0.3
            : Math.Abs(there - expected) <= 0.2 * expected + 0.05;
        if (!fits)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{AboutTime}expected {expected:0.000}, got {there:0.000}");
        }
    }

    private static string Show(Dictionary<string, int> counts) =>
        counts.Count == 0 ? "none" : string.Join(" ", counts.OrderBy(static count => count.Key, StringComparer.Ordinal).Select(static count => count.Value == 1 ? count.Key : $"{count.Key}×{count.Value}"));
}
