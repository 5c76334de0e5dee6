using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>
/// The labels that say that requests to an upstream go to one of several, by weight: <c>ID=weight</c>, joined with commas.
/// What does not fit into one label goes on in <c>amesh_groups_2</c>, and so on.
/// </summary>
internal static class ClusterGroups
{
    /// <summary>The first of the labels.</summary>
    public const string Label = "amesh_groups";

    /// <summary>Writes them; none for no group.</summary>
    public static void Write(IEnumerable<(string Id, long Weight)> groups, IDictionary<string, string> labels)
    {
        int number = 1;
        string text = "";
        foreach ((string id, long weight) in groups)
        {
            string group = $"{id}={weight}";
            if (text.Length > 0 && text.Length + 1 + group.Length > Schema.MaxLabelLength)
            {
                labels[NameOf(number++)] = text;
                text = "";
            }

            text = text.Length == 0 ? group : $"{text},{group}";
        }

        if (text.Length > 0)
        {
            labels[NameOf(number)] = text;
        }
    }

    /// <summary>The upstreams that one stands for, with their shares of 1: itself, where it stands for no others.</summary>
    public static IEnumerable<(string Id, double Share)> Of(Upstream upstream)
    {
        var labels = new List<string>();
        while (upstream.Labels?.GetValueOrDefault(NameOf(labels.Count + 1)) is { } label)
        {
            labels.Add(label);
        }

        if (labels.Count == 0)
        {
            return [(upstream.Id, 1)];
        }

        (string Id, long Weight)[] groups = [.. labels.SelectMany(label => label.Split(',')).Select(group => group.Split('=')).Select(group => (group[0], long.Parse(group[1], System.Globalization.CultureInfo.InvariantCulture)))];
        double sum = Math.Max(1, groups.Sum(group => group.Weight));
        return groups.Select(group => (group.Id, group.Weight / sum));
    }
    private static string NameOf(int number) => number == 1 ? Label : $"{Label}_{number}";
}
