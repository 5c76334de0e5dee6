using Amesh.Apisix;
using Amesh.Translation.Clusters;

namespace Amesh.Translation.Tests.Clusters;

public class ClusterGroupsTests
{
    [Fact]
    public void As_many_as_there_are_go_into_as_many_labels_as_it_takes()
    {
        (string Id, long Weight)[] groups = [.. Enumerable.Range(0, 20).Select(i => (ObjectId.From($"a cluster of a rather long name, number {i}"), (long)i + 1))];
        var labels = new Dictionary<string, string>();

        ClusterGroups.Write(groups, labels);

        Assert.True(labels.Count > 3);
        Assert.All(labels.Values, label => Assert.True(Schema.IsLabel(label)));
        var upstream = new Upstream { Id = "u", Type = "roundrobin", Nodes = [], Labels = labels };
        Assert.Equal(groups.Select(group => group.Id), ClusterGroups.Of(upstream).Select(group => group.Id));
        Assert.Equal(groups.Select(group => group.Weight / 210.0), ClusterGroups.Of(upstream).Select(group => group.Share));
    }
}
