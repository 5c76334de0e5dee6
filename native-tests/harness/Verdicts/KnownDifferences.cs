using System.IO.Enumeration;
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

    /// <summary>What is known of a case; null when it should hold.</summary>
    public KnownDifference? Of(string scenario, string target, string caseId) => entries.FirstOrDefault(entry => entry.IsFor(scenario, target) && entry.Matches(caseId));
}

/// <summary>One case, or the same case in every step, that cannot hold.</summary>
/// <param name="Scenario">As <c>istio-bookinfo</c>.</param>
/// <param name="Case">STEP/NAME; in either half <c>*</c> stands for any text. One with <c>*</c> may match cases that hold, but not only such.</param>
/// <param name="Reason">What APISIX, nginx or Amesh lacks.</param>
/// <param name="Target"><c>gateway</c> or <c>apisix</c>; both when absent.</param>
internal sealed record KnownDifference(string Scenario, string Case, string Reason, string? Target = null)
{
    /// <summary>True when it stands for many cases.</summary>
    public bool IsPattern => Case.Contains('*', StringComparison.Ordinal);

    /// <summary>True when it is about a scenario on a target.</summary>
    public bool IsFor(string scenario, string target) => Scenario == scenario && (Target is null || Target == target);

    /// <summary>True when it is about a case.</summary>
    public bool Matches(string caseId)
    {
        var (wanted, there) = (Case.Split('/', 2), caseId.Split('/', 2));
        return wanted.Length == 2 && there.Length == 2 && wanted.Zip(there).All(static pair => FileSystemName.MatchesSimpleExpression(pair.First, pair.Second, ignoreCase: false));
    }
}
