using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Demo;

/// <summary>Picks the few requests of a step that show what the step is about: those with another expectation than at the step before.</summary>
internal sealed class TellingCases
{
    private static readonly string[] Always = ["reviews", "jason"];
    private static readonly string[] First = ["productpage", "details", "reviews", "ratings", "unknown-host", "unknown-port"];
    private static readonly string[] WhenChanged =
        ["share", "ratings-jason", "ratings-mary", "ratings-answer-500", "slow-answer", "recommendations", "recommendations-admin", "details-host-at-reviews-address"];

    private Dictionary<string, string> _before = [];

    /// <summary>The cases to show, in the file's order.</summary>
    public IReadOnlyList<VerdictCase> Pick(IReadOnlyList<VerdictCase> cases, Expectation expectation)
    {
        // Where a request is steered to be slow or to fail, the pod is not what it shows.
        var now = cases.ToDictionary(Name, verdict => verdict.Send.Headers.Keys.Any(static name => name.StartsWith("x-answer-", StringComparison.Ordinal)) ? expectation.Of(verdict, withPods: false) : expectation.Of(verdict));
        var first = _before.Count == 0;
        var picked = cases.Where(verdict => first ? First.Contains(Name(verdict))
            : Always.Contains(Name(verdict)) || (WhenChanged.Contains(Name(verdict)) && _before.GetValueOrDefault(Name(verdict)) != now[Name(verdict)])).ToList();
        _before = now;
        return picked;
    }

    private static string Name(VerdictCase verdict) => verdict.Id.Split('/', 2)[1];
}
