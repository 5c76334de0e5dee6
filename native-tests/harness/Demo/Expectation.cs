using System.Globalization;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Demo;

/// <summary>Says in words what the mesh's configuration wants of a request, and what came of it.</summary>
internal sealed class Expectation(PodNames pods, IReadOnlyList<RouteTarget> targets)
{
    /// <summary>What should come of a case.</summary>
    /// <param name="verdict">The case.</param>
    /// <param name="withPods">False to leave out which pods.</param>
    public string Of(VerdictCase verdict, bool withPods = true)
    {
        var got = verdict.Got;
        var words = new List<string>();
        if (got.ServedBy.Count > 0 && withPods)
        {
            words.Add(Shares(got.ServedBy));
        }
        words.AddRange(Statuses(got.Status, got.ServedBy.Count > 0, got.Body));
        var tries = got.AlsoReached.Values.Sum() / verdict.Times + (got.ServedBy.Count > 0 ? 1 : 0);
        if (tries > 1)
        {
            words.Add($"{tries} tries");
        }
        if (got.Seconds is >= 0.3)
        {
            words.Add(string.Create(CultureInfo.InvariantCulture, $"after {got.Seconds:0.0} s"));
        }
        return string.Join(", ", words);
    }

    /// <summary>What did come of it.</summary>
    public string Got(Outcome got)
    {
        var words = got.ServedBy.OrderByDescending(static served => served.Value)
            .Select(served => pods.Of(served.Key) + (served.Value > 1 ? $" ×{served.Value}" : "")).ToList();
        words.AddRange(Statuses(got.Status, got.ServedBy.Count > 0, null));
        if (got.AlsoReached.Count > 0)
        {
            words.Add($"also reached {string.Join(", ", got.AlsoReached.Select(reached => pods.Of(reached.Key) + (reached.Value > 1 ? $" ×{reached.Value}" : "")))}");
        }
        if (got.Seconds is >= 0.3)
        {
            words.Add(string.Create(CultureInfo.InvariantCulture, $"after {got.Seconds:0.0} s"));
        }
        return words.Count == 0 ? "nothing" : string.Join(", ", words);
    }

    /// <summary>The pods of the narrowest route that may have answered so, with shares where they are not equal.</summary>
    private string Shares(Dictionary<string, int> served)
    {
        var size = served.Values.Sum();
        var target = targets
            .Where(target => served.Keys.All(target.Shares.ContainsKey) && Chance.MayAllFallIn(served.Keys.Sum(endpoint => target.Shares[endpoint]), size))
            .OrderBy(static target => target.Shares.Count).FirstOrDefault();
        if (target is null)
        {
            return string.Join(" ", served.Keys.Select(pods.Of));
        }
        var equal = target.Shares.Values.Max() - target.Shares.Values.Min() < 0.01;
        return equal
            ? string.Join(" | ", target.Shares.Keys.Select(pods.Of))
            : string.Join(", ", target.Shares.Select(share => string.Create(CultureInfo.InvariantCulture, $"{pods.Of(share.Key)} {share.Value * 100:0}%")));
    }

    private static IEnumerable<string> Statuses(Dictionary<string, int> statuses, bool served, string? body) =>
        statuses.Keys.Where(status => !(served && status == "200")).Select(status => status + (body is null || body.Length > 40 ? "" : $" ({body})"));
}
