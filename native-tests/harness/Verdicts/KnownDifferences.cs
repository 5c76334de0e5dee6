using System.Text.Json;
using Amesh.Harness.Endpoints;

namespace Amesh.Harness.Verdicts;

/// <summary>Cases that cannot hold yet, each with the reason that names what is missing: <c>native-tests/verdicts/known-differences.json</c>.</summary>
internal sealed class KnownDifferences(IReadOnlyList<KnownDifference> entries)
{
    /// <summary>All of them.</summary>
    public IReadOnlyList<KnownDifference> Entries => entries;

    /// <summary>Reads the file; nothing is known when there is none.</summary>
    public static KnownDifferences Read()
    {
        var path = Repository.At("native-tests", "verdicts", "known-differences.json");
        return new(File.Exists(path) ? JsonSerializer.Deserialize<List<KnownDifference>>(File.ReadAllBytes(path), Answer.Json) ?? [] : []);
    }

    /// <summary>Why a case is known not to hold; null when it should.</summary>
    public string? Reason(string scenario, string target, string caseId) =>
        entries.FirstOrDefault(entry => entry.Scenario == scenario && (entry.Target is null || entry.Target == target) && Matches(entry.Case, caseId))?.Reason;

    /// <summary>STEP/NAME, where either may be <c>*</c>.</summary>
    private static bool Matches(string pattern, string caseId)
    {
        var (wanted, there) = (pattern.Split('/', 2), caseId.Split('/', 2));
        return wanted.Length == 2 && there.Length == 2 && wanted.Zip(there).All(static pair => pair.First == "*" || pair.First == pair.Second);
    }
}

/// <summary>One case, or the same case in every step, that cannot hold.</summary>
/// <param name="Scenario">As <c>istio-bookinfo</c>.</param>
/// <param name="Case">STEP/NAME; <c>*</c> for any.</param>
/// <param name="Reason">What APISIX, nginx or Amesh lacks.</param>
/// <param name="Target"><c>gateway</c> or <c>apisix</c>; both when absent.</param>
internal sealed record KnownDifference(string Scenario, string Case, string Reason, string? Target = null);
