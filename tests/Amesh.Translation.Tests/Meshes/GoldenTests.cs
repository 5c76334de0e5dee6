using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amesh.Apisix;
using Amesh.Protos.Tests;
using Amesh.Xds.Ads;

namespace Amesh.Translation.Tests.Meshes;

/// <summary>
/// What each step of a recording changes, as it is to be read by a person: tests/Amesh.Translation.Tests/Golden. A change
/// that is meant is written with AMESH_UPDATE_GOLDEN=1 and reviewed as a diff.
/// </summary>
public class GoldenTests
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Theory]
    [InlineData("istio/bookinfo")]
    [InlineData("istio/traffic")]
    [InlineData("istio/resilience")]
    [InlineData("kuma/bookinfo")]
    [InlineData("kuma/policies")]
    public async Task Every_step_changes_what_the_golden_file_says(string recording)
    {
        var text = new StringBuilder();
        foreach (MeshStep step in await MeshRun.PlayAsync(recording, AdsProtocol.Delta))
        {
            text.Append("== ").Append(step.Step).Append('\n');
            foreach (ChangeSet changes in step.Changes)
            {
                Write(text, changes);
            }
        }

        AssertGolden(recording.Replace('/', '-'), text.ToString());
    }

    [Theory]
    [InlineData("istio/protocols")]
    [InlineData("istio/gateway")]
    [InlineData("istio/bookinfo-reviews")]
    [InlineData("istio/security")]
    [InlineData("kuma/bookinfo-tproxy")]
    [InlineData("consul/bookinfo-tproxy")]
    public async Task Every_step_changes_listeners_as_the_golden_file_says(string recording)
    {
        var text = new StringBuilder();
        foreach (MeshStep step in await MeshRun.PlayAsync(recording, AdsProtocol.Delta))
        {
            text.Append("== ").Append(step.Step).Append('\n');
            foreach (ChangeSet changes in step.Changes)
            {
                Write(text, new ChangeSet([.. changes.Set.Where(o => IsOfListeners(o.Key))], [.. changes.Removed.Where(IsOfListeners)]));
            }
        }

        AssertGolden(recording.Replace('/', '-') + "-listeners", text.ToString());

        static bool IsOfListeners(ObjectKey key) => key.Kind is ObjectKind.Listener or ObjectKind.StreamRoute or ObjectKind.Ssl;
    }

    [Fact]
    public async Task An_endpoint_change_touches_the_upstreams_of_its_cluster_alone()
    {
        IReadOnlyList<MeshStep> steps = await MeshRun.PlayAsync("istio/bookinfo", AdsProtocol.Sotw);
        foreach (string name in new[] { "scale-v2-to-3", "scale-v2-to-2", "v2-empty", "v2-back" })
        {
            ChangeSet changes = Assert.Single(steps.Single(s => s.Step == name).Changes);
            Assert.Empty(changes.Removed);
            Assert.All(changes.Set, o =>
            {
                Assert.Equal(ObjectKind.Upstream, o.Key.Kind);
                Assert.Contains("reviews", o.Key.Id, StringComparison.Ordinal);
            });
        }
    }

    [Fact]
    public async Task A_virtual_service_change_touches_the_routes_of_its_host_and_the_upstreams_they_newly_name()
    {
        IReadOnlyList<MeshStep> steps = await MeshRun.PlayAsync("istio/bookinfo", AdsProtocol.Delta);
        ChangeSet changes = Assert.Single(steps.Single(s => s.Step == "jason-to-v2").Changes);

        Assert.Equal([ObjectKind.Upstream, ObjectKind.Route, ObjectKind.VirtualHost], changes.Set.Select(o => o.Key.Kind));
        Assert.All(changes.Set, o => Assert.Contains("reviews", o.Key.Id, StringComparison.Ordinal));
        Assert.StartsWith("outbound-9080-v2-reviews", changes.Set[0].Key.Id, StringComparison.Ordinal);
        Assert.Empty(changes.Removed);
    }

    private static void AssertGolden(string name, string text)
    {
        string file = Path.Combine(Repository.Root, "tests", "Amesh.Translation.Tests", "Golden", name + ".txt");
        if (Environment.GetEnvironmentVariable("AMESH_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, text);
        }

        Assert.Equal(File.ReadAllText(file), text);
    }

    private static void Write(StringBuilder text, ChangeSet changes)
    {
        foreach (ConfigObject value in changes.Set)
        {
            text.Append("+ ").Append(value.Key).Append('\n');
            foreach ((string name, JsonNode? member) in Redaction.Of(value.Key, value.Json.Span)!.AsObject())
            {
                if (name != "id")
                {
                    text.Append("    ").Append(name).Append(": ").Append(member?.ToJsonString(Readable)).Append('\n');
                }
            }
        }

        foreach (ObjectKey key in changes.Removed)
        {
            text.Append("- ").Append(key).Append('\n');
        }
    }
}
