using Amesh.Harness.Recordings;

namespace Amesh.Harness.Verdicts;

/// <summary>Hash balancing: one key always goes to one endpoint, and different keys spread. The first is a case's own; the second is seen here.</summary>
internal static class Spread
{
    /// <summary>Differences by case: at the first of the keys that all went to one endpoint where Envoy's spread.</summary>
    public static Dictionary<string, List<string>> Differences(
        IReadOnlyList<(VerdictCase Case, Comparison.Measured Measured)> results, IReadOnlyList<RouteTarget> targets)
    {
        var keys = results.Where(result => result.Case.Times > 1 && result.Case.Got.ServedBy.Count == 1
            && targets.Any(target => target.Hashed && target.Shares.ContainsKey(result.Case.Got.ServedBy.Keys.First()))).ToList();
        var wanted = keys.SelectMany(static key => key.Case.Got.ServedBy.Keys).Distinct().Count();
        var there = keys.SelectMany(static key => key.Measured.Outcome.ServedBy.Keys).Distinct().Count();
        return keys.Count >= 4 && wanted > 1 && there <= 1
            ? new() { [keys[0].Case.Id] = [$"spread: {keys.Count} keys all went to one endpoint, Envoy's to {wanted}"] }
            : [];
    }
}
