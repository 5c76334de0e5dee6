using System.Text.Json;
using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Tests;

public class ComparisonTests
{
    private static readonly VerdictFile Bookinfo = VerdictFile.Read(Path.Combine(Repository.Verdicts, "istio-bookinfo.json"));
    private static readonly RecordedMesh Mesh = RecordedMesh.Read(Repository.Sample("istio/bookinfo"));

    public static TheoryData<string> Files() => [.. Directory.GetFiles(Repository.Verdicts, "*-*.json").Select(Path.GetFileName).Where(static name => name != "known-differences.json").Select(static name => name!)];

    [Theory]
    [MemberData(nameof(Files))]
    public void WhatEnvoyDidEqualsItself(string file)
    {
        var verdicts = VerdictFile.Read(Path.Combine(Repository.Verdicts, file));
        var differing = verdicts.Steps.Values.SelectMany(static cases => cases)
            .Select(static verdict => (verdict.Id, Differences: Comparison.Differences(verdict, Replay(verdict.Got), [])))
            .Where(static result => result.Differences.Count > 0).Select(static result => $"{result.Id}: {result.Differences[0]}");
        Assert.Empty(differing);
    }

    [Fact]
    public void AnotherStatusIsADifference() =>
        AssertDiffers("base/details", static got => got with { Status = new() { ["404"] = 2 } }, "status");

    [Fact]
    public void OneFailureAmongManyIsADifference() =>
        AssertDiffers("base/reviews", static got => got with { Status = new() { ["200"] = 23, ["503"] = 1 } }, "status");

    [Fact]
    public void AnEndpointOutsideTheRouteIsADifference() =>
        AssertDiffers("jason-to-v2/host-ns", static got => got with { ServedBy = new() { ["127.0.4.1:9080"] = 1 } }, "served by");

    [Fact]
    public void AnotherEndpointOfTheSameRouteIsChance() =>
        AssertHolds("base/host-ns", static got => got with { ServedBy = new() { ["127.0.3.1:9080"] = 1 } });

    [Fact]
    public void AnotherVersionIsADifferenceWhereTheSampleShowsTheRoute() =>
        AssertDiffers("split-80-20/share", static got => got with { ServedBy = new() { ["127.0.3.1:9080"] = 399, ["127.0.5.1:9080"] = 1 } }, "served by");

    [Fact]
    public void AShareOffByMoreThanChanceIsADifference() =>
        AssertDiffers("split-80-20/share", static got => got with { ServedBy = new() { ["127.0.3.1:9080"] = 250, ["127.0.4.1:9080"] = 150 } }, "served by");

    [Fact]
    public void AnEndpointThatIsNeverUsedIsADifference() =>
        AssertDiffers("scale-v2-to-3/reviews", static got => got with { ServedBy = new() { ["127.0.4.1:9080"] = 12, ["127.0.4.2:9080"] = 12 } }, "127.0.4.3:9080 cannot be left out");

    [Fact]
    public void AShareOffByChanceIsNone() =>
        AssertHolds("split-80-20/share", static got => got with { ServedBy = new() { ["127.0.3.1:9080"] = 330, ["127.0.4.1:9080"] = 70 } });

    [Fact]
    public void OneTryLessIsADifference() =>
        AssertDiffers("timeout-and-retries/ratings-answer-500", static got => got with { AlsoReached = new() { ["127.0.6.1:9080"] = 1 } }, "also reached");

    [Fact]
    public void ATryWhereThereWasNoneIsADifference() =>
        AssertDiffers("base/answer-503", static got => got with { AlsoReached = new() { ["127.0.3.1:9080"] = 1 } }, "also reached");

    [Fact]
    public void ADelayThatIsHalfAsLongIsADifference() =>
        AssertDiffers("ratings-delay/ratings-jason", static got => got with { Seconds = 3.5 }, "seconds");

    [Fact]
    public void ATimeoutThatCameLateIsADifference() =>
        AssertDiffers("timeout-and-retries/slow-answer", static got => got with { Seconds = 1.2 }, "seconds");

    [Fact]
    public void ADecodedPathIsADifference() =>
        AssertSeenDiffers("base/path-kept", static seen => seen with { Path = "/a b//c" }, "path");

    [Fact]
    public void ALowerCaseHostIsADifference() =>
        AssertSeenDiffers("base/host-upper", static seen => seen with { Host = "reviews:9080" }, "host");

    [Fact]
    public void ALostBodyIsADifference() =>
        AssertSeenDiffers("base/post-body", static seen => seen with { Body = null }, "body");

    [Fact]
    public void AForwardedForHeaderThatEnvoyDoesNotSendIsADifference() =>
        AssertSeenDiffers("base/details", static seen => seen with { Headers = With(seen.Headers, "x-forwarded-for", "127.0.0.1") }, "x-forwarded-for");

    [Fact]
    public void TheProxysOwnHeadersAreNotCompared()
    {
        var verdict = Case("base/details");
        var seen = verdict.Got.Seen!;
        var changed = seen with { Headers = With(With(seen.Headers, "x-request-id", "another"), "x-real-ip", "127.0.0.1") };
        Assert.Empty(Comparison.Differences(verdict, Replay(verdict.Got with { Seen = changed }), Targets("base")));
    }

    [Fact]
    public void ALostRequestHeaderIsADifference() =>
        AssertSeenDiffers("base/jason", static seen => seen with { Headers = new(seen.Headers.Where(static h => h.Key != "end-user").ToDictionary(), StringComparer.Ordinal) }, "end-user");

    [Fact]
    public void AnotherAnswerHeaderIsADifference() =>
        AssertDiffers("base/details", static got => got with { ResponseHeaders = new(got.ResponseHeaders) { ["x-from-backend"] = ["no"] } }, "x-from-backend");

    [Fact]
    public void TheWordsOfAnErrorAreNotCompared() =>
        AssertHolds("v2-empty/reviews", static got => got with { Body = "<html>503 Service Temporarily Unavailable</html>", ResponseHeaders = new() { ["content-type"] = ["text/html"] } });

    [Fact]
    public void TheWordsOfADirectResponseAre()
    {
        var verdict = VerdictFile.Read(Path.Combine(Repository.Verdicts, "istio-traffic.json")).Steps["direct-response"].First(static verdict => verdict.Id.EndsWith("/text", StringComparison.Ordinal));
        var differences = Comparison.Differences(verdict, Replay(verdict.Got with { Body = "not good" }), []);
        Assert.Contains("answer body", Assert.Single(differences), StringComparison.Ordinal);
    }

    [Fact]
    public void TheHashOfACertificateIsNotComparedButItsIdentityIs()
    {
        const string Header = "x-forwarded-client-cert";
        var verdict = VerdictFile.Read(Path.Combine(Repository.Verdicts, "istio-security.json")).Steps["strict"].First(static verdict => verdict.Got.Seen?.Headers.ContainsKey(Header) == true);
        var seen = verdict.Got.Seen!;
        List<string> Compare(string value) => Comparison.Differences(verdict, Replay(verdict.Got with { Seen = seen with { Headers = With(seen.Headers, Header, value) } }), []);
        var there = seen.Headers[Header][0];
        Assert.Empty(Compare(there.Replace("Hash=4", "Hash=5", StringComparison.Ordinal)));
        Assert.Contains(Header, Assert.Single(Compare(there.Replace("sa/client", "sa/other", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Contains(Header, Assert.Single(Compare(there.Replace("Hash=", "Hush=", StringComparison.Ordinal))), StringComparison.Ordinal);
    }

    /// <summary>Each single thing that a verdict tells is changed in turn: none may go unseen.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void NothingThatAVerdictTellsGoesUncompared(string file)
    {
        var unseen = new List<string>();
        foreach (var verdict in VerdictFile.Read(Path.Combine(Repository.Verdicts, file)).Steps.Values.SelectMany(static cases => cases))
        {
            unseen.AddRange(Mutations.Of(verdict.Got).Where(changed => Comparison.Differences(verdict, Replay(changed.Outcome), []).Count == 0).Select(changed => $"{verdict.Id}: {changed.What}"));
        }
        Assert.Empty(unseen);
    }

    private static VerdictCase Case(string id) => Bookinfo.Steps[id.Split('/')[0]].Single(verdict => verdict.Id == id);

    private static IReadOnlyList<RouteTarget> Targets(string step) => Mesh.Steps.Single(recorded => recorded.Name == step).State.Targets;

    private static void AssertHolds(string id, Func<Outcome, Outcome> change) =>
        Assert.Empty(Comparison.Differences(Case(id), Replay(change(Case(id).Got)), Targets(id.Split('/')[0])));

    private static void AssertDiffers(string id, Func<Outcome, Outcome> change, string what)
    {
        AssertHolds(id, static got => got);
        var differences = Comparison.Differences(Case(id), Replay(change(Case(id).Got)), Targets(id.Split('/')[0]));
        Assert.Contains(differences, difference => difference.Contains(what, StringComparison.Ordinal));
    }

    private static void AssertSeenDiffers(string id, Func<SeenRequest, SeenRequest> change, string what) =>
        AssertDiffers(id, got => got with { Seen = change(got.Seen!) }, what);

    private static SortedDictionary<string, List<string>> With(SortedDictionary<string, List<string>> headers, string name, string value) =>
        new(headers, StringComparer.Ordinal) { [name] = [value] };

    /// <summary>The replies that would have led to an outcome.</summary>
    private static Comparison.Measured Replay(Outcome outcome)
    {
        var status = outcome.Status.Keys.First();
        var other = new Reply { Status = outcome.Status.Keys.Last(), Headers = outcome.ResponseHeaders, Body = outcome.Body ?? "" };
        var report = new Reply { Status = status, Headers = outcome.ResponseHeaders, Body = JsonSerializer.Serialize(outcome.Seen, Answer.Json) };
        Reply[] replies = (outcome.Seen, outcome.Body) switch { (null, _) => [other], (_, null) => [report], _ => [report, other] };
        return new Comparison.Measured(outcome, replies);
    }
}
