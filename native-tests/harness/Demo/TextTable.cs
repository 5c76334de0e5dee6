namespace Amesh.Harness.Demo;

/// <summary>A table of columns as wide as their longest cell.</summary>
internal static class TextTable
{
    /// <summary>The table's lines; columns wider than <paramref name="widest"/> are let run over.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<string[]> rows, int widest = 60)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => Math.Min(widest, rows.Max(row => row[column].Length))).ToArray();
        foreach (var row in rows)
        {
            yield return string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
        }
    }
}
