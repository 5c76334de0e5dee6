namespace Amesh.Harness.Verdicts;

/// <summary>How a scenario came out.</summary>
internal sealed class Score
{
    public required string Scenario { get; init; }
    public required string Target { get; init; }
    public required string Protocol { get; init; }
    public List<StepScore> Steps { get; init; } = [];
    public int Passed => Steps.Sum(static step => step.Passed);
    public int Failed => Steps.Sum(static step => step.Failed);
    public int Known => Steps.Sum(static step => step.Known);
}

/// <summary>How one step came out.</summary>
internal sealed class StepScore(string name)
{
    public string Name { get; } = name;
    public int Passed { get; private set; }
    public int Failed { get; private set; }
    public int Known { get; private set; }

    /// <summary>What differed, by case.</summary>
    public SortedDictionary<string, IReadOnlyList<string>> Differences { get; } = new(StringComparer.Ordinal);

    /// <summary>Counts one case, and gives the lines to print: none when it held.</summary>
    /// <param name="caseId">STEP/NAME.</param>
    /// <param name="differences">What differed.</param>
    /// <param name="known">What is known of it; null when it should hold.</param>
    public IEnumerable<string> Count(string caseId, IReadOnlyList<string> differences, KnownDifference? known)
    {
        var reason = known?.Reason;
        if (differences.Count > 0)
        {
            Differences[caseId] = differences;
        }
        if (differences.Count == 0 && (known is null || known.IsPattern))
        {
            Passed++;
            return [];
        }
        if (differences.Count > 0 && reason is not null)
        {
            Known++;
            return [];
        }
        Failed++;
        return differences.Count == 0 ? [$"FAIL {caseId}: listed but passes"] : [$"FAIL {caseId}: {string.Join("; ", differences)}"];
    }
}
