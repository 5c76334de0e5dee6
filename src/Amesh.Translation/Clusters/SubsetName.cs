namespace Amesh.Translation.Clusters;

/// <summary>
/// What a subset of a cluster goes by among names of clusters: those who name one are kept like those who name a cluster.
/// </summary>
internal static class SubsetName
{
    /// <summary>The name of the subset that has these <see cref="LbMarks"/>.</summary>
    public static string Of(string cluster, string marks) => cluster + marks;

    /// <summary>Takes a name apart; no marks where it is a cluster's.</summary>
    public static (string Cluster, string Marks) Parse(string name) =>
        name.IndexOf('\n') is >= 0 and var end ? (name[..end], name[end..]) : (name, "");

    /// <summary>For people, and for ids.</summary>
    public static string Readable(string name) =>
        Parse(name) is { Marks.Length: > 0 } subset ? $"{subset.Cluster} {LbMarks.Readable(subset.Marks)}" : name;
}
