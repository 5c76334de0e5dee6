using Amesh.Apisix;

namespace Amesh.Translation.Clusters;

/// <summary>
/// The label that says that requests to an upstream go to one of several, by weight: <c>ID=weight</c>, joined with commas.
/// </summary>
internal static class ClusterGroups
{
    /// <summary>The label.</summary>
    public const string Label = "amesh_groups";

    /// <summary>Its value; null for none. What goes past a label's length is left out.</summary>
    public static string? Format(IEnumerable<(string Id, long Weight)> groups)
    {
        var all = new List<string>();
        int length = -1;
        foreach ((string id, long weight) in groups)
        {
            string group = $"{id}={weight}";
            if (length + 1 + group.Length <= Schema.MaxLabelLength)
            {
                all.Add(group);
                length += 1 + group.Length;
            }
        }

        return all.Count == 0 ? null : string.Join(',', all);
    }

    /// <summary>The upstreams that one stands for, with their shares of 1: itself, where it stands for no others.</summary>
    public static IEnumerable<(string Id, double Share)> Of(Upstream upstream)
    {
        if (upstream.Labels?.GetValueOrDefault(Label) is not { } label)
        {
            return [(upstream.Id, 1)];
        }

        (string Id, long Weight)[] groups = [.. label.Split(',').Select(group => group.Split('=')).Select(group => (group[0], long.Parse(group[1], System.Globalization.CultureInfo.InvariantCulture)))];
        double sum = Math.Max(1, groups.Sum(group => group.Weight));
        return groups.Select(group => (group.Id, group.Weight / sum));
    }
}
