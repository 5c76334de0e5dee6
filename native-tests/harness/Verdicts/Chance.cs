namespace Amesh.Harness.Verdicts;

/// <summary>Statistics of two samples of which neither is the truth.</summary>
internal static class Chance
{
    /// <summary>Differences up to this many standard deviations are chance.</summary>
    private const double Deviations = 4;

    /// <summary>A sample less likely than this did not come from the shares in question.</summary>
    private const double Unlikely = 1e-4;

    /// <summary>True when two samples of <paramref name="sizeA"/> and <paramref name="sizeB"/> may have the same share behind them.</summary>
    public static bool SameShare(int countA, int sizeA, int countB, int sizeB)
    {
        if (sizeA == 0 || sizeB == 0)
        {
            return true;
        }
        var pooled = (double)(countA + countB) / (sizeA + sizeB);
        var deviation = Math.Sqrt(pooled * (1 - pooled) * (1.0 / sizeA + 1.0 / sizeB));
        return Math.Abs((double)countA / sizeA - (double)countB / sizeB) <= Deviations * deviation + 1e-9;
    }

    /// <summary>True when all of <paramref name="size"/> draws may have fallen among outcomes that have <paramref name="share"/> together.</summary>
    public static bool MayAllFallIn(double share, int size) => Math.Pow(Math.Min(share, 1), size) >= Unlikely;
}
