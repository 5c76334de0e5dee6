using Amesh.Xds.Nodes;
using Envoy.Config.Core.V3;

namespace Amesh.Xds.Tests.Nodes;

public sealed class NodeIdentityTests
{
    private static readonly Dictionary<string, string> Pod = new()
    {
        ["POD_NAME"] = "productpage-v1-0",
        ["POD_NAMESPACE"] = "bookinfo",
        ["INSTANCE_IP"] = "10.0.0.7",
        ["SERVICE_ACCOUNT"] = "bookinfo-productpage",
        ["ISTIO_META_CLUSTER_ID"] = "Kubernetes",
        ["ISTIO_META_MESH_ID"] = "mesh1",
        ["ISTIO_META_INTERCEPTION_MODE"] = "TPROXY",
        ["ISTIO_META_WORKLOAD_NAME"] = "productpage-v1",
        ["ISTIO_META_ISTIO_VERSION"] = "1.30.0",
        ["ISTIO_METAJSON_LABELS"] = """{"app": "productpage", "version": "v1"}""",
        ["ISTIO_METAJSON_MORE"] = """{"A": {"b": [1, true, null]}, "C": "d"}""",
        ["ISTIO_METAJSON_LIST"] = """[1, 2]""",
        ["UNRELATED"] = "x",
    };

    [Fact]
    public void An_istio_pod_is_who_its_environment_says()
    {
        Node node = NodeIdentity.FromEnvironment(Pod, "/nowhere");
        Assert.Equal("sidecar~10.0.0.7~productpage-v1-0.bookinfo~bookinfo.svc.cluster.local", node.Id);
        Assert.Equal("productpage-v1.bookinfo", node.Cluster);
        var metadata = node.Metadata.Fields;
        Assert.Equal(("productpage-v1-0", "bookinfo", "10.0.0.7"), (metadata["NAME"].StringValue, metadata["NAMESPACE"].StringValue, metadata["INSTANCE_IPS"].StringValue));
        Assert.Equal(("Kubernetes", "mesh1", "TPROXY"), (metadata["CLUSTER_ID"].StringValue, metadata["MESH_ID"].StringValue, metadata["INTERCEPTION_MODE"].StringValue));
        Assert.Equal(("productpage-v1", "1.30.0", "bookinfo-productpage"), (metadata["WORKLOAD_NAME"].StringValue, metadata["ISTIO_VERSION"].StringValue, metadata["SERVICE_ACCOUNT"].StringValue));
        Assert.Equal("v1", metadata["LABELS"].StructValue.Fields["version"].StringValue);
        Assert.Equal("d", metadata["C"].StringValue);
        Assert.True(metadata["A"].StructValue.Fields["b"].ListValue.Values[1].BoolValue);
        Assert.Equal(2, metadata["LIST"].ListValue.Values.Count);
        Assert.DoesNotContain("UNRELATED", metadata.Keys);
        Assert.DoesNotContain("MORE", metadata.Keys);
    }

    [Fact]
    public void The_labels_file_of_the_pod_goes_before_the_environment_and_tells_the_locality()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("labels"), "app=\"reviews\"\nistio-locality=\"eu.zone-a.rack1\"\n");
        Node node = NodeIdentity.FromEnvironment(Pod, folder.File("labels"));
        Assert.Equal("reviews", node.Metadata.Fields["LABELS"].StructValue.Fields["app"].StringValue);
        Assert.Equal("v1", node.Metadata.Fields["LABELS"].StructValue.Fields["version"].StringValue);
        Assert.Equal(("eu", "zone-a", "rack1"), (node.Locality.Region, node.Locality.Zone, node.Locality.SubZone));
    }

    [Fact]
    public void Json_that_is_none_is_told_with_its_variable() =>
        Assert.StartsWith("ISTIO_METAJSON_LABELS: not JSON", Assert.Throws<SourceException>(
            () => NodeIdentity.FromEnvironment(new Dictionary<string, string> { ["ISTIO_METAJSON_LABELS"] = "{" })).Message);

    [Theory]
    [InlineData("kuma/bookinfo", "default.productpage-1")]
    [InlineData("kuma/policies", null)]
    [InlineData("kuma/bookinfo-2.14", null)]
    public void A_bootstrap_file_has_a_node(string sample, string? id)
    {
        Node node = NodeIdentity.FromBootstrap(Path.Combine(Repository.Sample(sample), "bootstrap.yaml"));
        Node recorded = NodeIdentity.FromJson(File.ReadAllText(Path.Combine(Repository.Sample(sample), "node.json")));
        Assert.Equal(id ?? recorded.Id, node.Id);
        Assert.Equal(recorded.Metadata.Fields.Keys.Order(), node.Metadata.Fields.Keys.Order());
    }

    [Fact]
    public void Every_recorded_node_is_read_and_written_again_the_same()
    {
        foreach (string name in Repository.Recordings)
        {
            Node node = NodeIdentity.FromJson(File.ReadAllText(Path.Combine(Repository.Sample(name), "node.json")), name);
            Assert.Equal(node, NodeIdentity.FromJson(NodeJson.Write(node)));
        }
    }

    [Theory]
    [InlineData("{}", "n: the node has no id")]
    [InlineData("""{"id": 3}""", "n.id: text was expected")]
    [InlineData("[1]", "n: an object of type envoy.config.core.v3.Node was expected")]
    public void A_node_that_is_none_is_told(string json, string message) =>
        Assert.StartsWith(message, Assert.Throws<SourceException>(() => NodeIdentity.FromJson(json, "n")).Message);
}
