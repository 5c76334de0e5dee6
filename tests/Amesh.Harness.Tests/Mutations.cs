using Amesh.Harness.Endpoints;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Tests;

/// <summary>An outcome with one thing changed, for every thing that the verdicts' rules say must be equal.</summary>
internal static class Mutations
{
    private const string Elsewhere = "192.0.2.1:1";

    /// <summary>All of them, each with what was changed.</summary>
    public static IEnumerable<(string What, Outcome Outcome)> Of(Outcome got)
    {
        yield return ("another status", got with { Status = new() { ["599"] = got.Status.Values.Sum() } });
        yield return ("another endpoint", got with { ServedBy = new() { [Elsewhere] = Math.Max(1, got.ServedBy.Values.Sum()) } });
        yield return ("a copy elsewhere", got with { AlsoReached = new(got.AlsoReached) { [Elsewhere] = got.Status.Values.Sum() } });
        if (got.Seconds > 0.5 && got.Body?.StartsWith("HTTP/1.1 4", StringComparison.Ordinal) != true)
        {
            yield return ("a time ten times as long", got with { Seconds = (got.Seconds * 10) + 1 });
        }
        if (got.Seen is { } seen)
        {
            foreach (var (what, changed) in Of(seen))
            {
                yield return ("seen " + what, got with { Seen = changed });
            }
        }
        if (got.ResponseHeaders.Count > 0)
        {
            yield return ("an answer header", got with { ResponseHeaders = new(got.ResponseHeaders) { ["x-unknown"] = ["1"] } });
        }
        foreach (var name in got.ResponseHeaders.Keys.Where(static name => !IsTheProxysOwn(name) && name is not ("server" or "date" or "content-type" or "vary")))
        {
            yield return ("lost answer header " + name, got with { ResponseHeaders = got.ResponseHeaders.Where(header => header.Key != name).ToDictionary() });
        }
    }

    private static IEnumerable<(string What, SeenRequest Seen)> Of(SeenRequest seen)
    {
        yield return ("method", seen with { Method = "PATCH" });
        yield return ("path", seen with { Path = seen.Path + "x" });
        yield return ("host", seen with { Host = seen.Host + "x" });
        yield return ("body", seen with { Body = seen.Body + "x" });
        yield return ("sni", seen with { Sni = seen.Sni + "x" });
        yield return ("peer", seen with { Peer = seen.Peer + "x" });
        yield return ("new header", seen with { Headers = With(seen, "x-unknown", "1") });
        foreach (var name in seen.Headers.Keys.Where(static name => !IsTheProxysOwn(name)))
        {
            yield return ("header " + name, seen with { Headers = With(seen, name, "changed, and differently") });
            yield return ("lost header " + name, seen with { Headers = new(seen.Headers.Where(header => header.Key != name).ToDictionary(), StringComparer.Ordinal) });
        }
    }

    private static SortedDictionary<string, List<string>> With(SeenRequest seen, string name, string value) => new(seen.Headers, StringComparer.Ordinal) { [name] = [value] };

    private static bool IsTheProxysOwn(string name) =>
        name is "x-request-id" or "x-forwarded-proto" or "connection" or "transfer-encoding" or "via" or "content-length" || name.StartsWith("x-envoy-", StringComparison.Ordinal);
}
