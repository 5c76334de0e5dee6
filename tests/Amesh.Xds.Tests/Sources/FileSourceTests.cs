using Amesh.Xds.Sources;
using Google.Protobuf;

namespace Amesh.Xds.Tests.Sources;

public sealed class FileSourceTests
{
    private const string Clusters = """
        version_info: "1"
        resources:
        - "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
          name: reviews
          type: EDS
          edsClusterConfig: {edsConfig: {ads: {}}}
        """;

    private const string Assignment = """
        {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "cluster_name": "reviews"}
        """;

    [Fact]
    public async Task Changes_in_the_folder_are_applied_and_a_bad_file_keeps_what_it_last_said()
    {
        using var folder = new TemporaryFolder();
        folder.Write("clusters.yaml", Clusters);
        folder.Write("endpoints.json", Assignment);
        folder.Write("notes.txt", "not looked at");
        await using var running = new Running(folder.Path);
        await Eventually.True(() => running.Held.Names(TypeUrls.ClusterLoadAssignment).SequenceEqual(["reviews"]), () => "the assignment");
        Assert.Equal(["reviews"], running.Held.Names(TypeUrls.Cluster));

        folder.Write("clusters.yaml", Clusters.Replace("type: EDS", "type: NONSENSE", StringComparison.Ordinal));
        await Eventually.True(() => running.Source.Errors.Count == 1, () => "the error");
        string error = running.Source.Errors[folder.File("clusters.yaml")];
        Assert.StartsWith($"{folder.File("clusters.yaml")}: $.resources[0].type: ", error);
        Assert.Contains("no value NONSENSE", error);
        Assert.Equal(["reviews"], running.Held.Names(TypeUrls.Cluster));

        folder.Write("clusters.yaml", Clusters.Replace("name: reviews", "name: ratings", StringComparison.Ordinal));
        await Eventually.True(() => running.Held.Names(TypeUrls.Cluster).SequenceEqual(["ratings"]), () => "the new name");
        await Eventually.True(() => running.Source.Errors.Count == 0, () => "no error");

        folder.Write("more.yml", Clusters);
        await Eventually.True(() => running.Held.Names(TypeUrls.ClusterLoadAssignment).SequenceEqual(["reviews"]), () => "what is wanted again");
        File.Delete(folder.File("more.yml"));
        await Eventually.True(() => running.Held.Names(TypeUrls.Cluster).SequenceEqual(["ratings"]), () => "the removal");
    }

    [Fact]
    public async Task Files_behind_links_that_are_swapped_are_read_again()
    {
        // As Kubernetes updates a mounted ConfigMap.
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "one", "two" })
        {
            Directory.CreateDirectory(folder.File(".." + name));
            File.WriteAllText(Path.Combine(folder.File(".." + name), "c.yaml"), Clusters.Replace("name: reviews", $"name: {name}", StringComparison.Ordinal));
        }

        Directory.CreateSymbolicLink(folder.File("..data"), "..one");
        File.CreateSymbolicLink(folder.File("c.yaml"), "..data/c.yaml");
        await using var running = new Running(folder.Path);
        await Eventually.True(() => running.Held.Names(TypeUrls.Cluster).SequenceEqual(["one"]), () => "one");
        Directory.Delete(folder.File("..data"));
        Directory.CreateSymbolicLink(folder.File("..data"), "..two");
        await Eventually.True(() => running.Held.Names(TypeUrls.Cluster).SequenceEqual(["two"]), () => "two");
    }

    [Fact]
    public void A_file_that_cannot_be_read_for_whatever_reason_costs_no_other()
    {
        using var folder = new TemporaryFolder();
        folder.Write("good.yaml", Clusters);
        folder.Write("deep.json", new string('[', 100_000));
        Directory.CreateSymbolicLink(folder.File("loop.yaml"), "loop.yaml");
        var held = new HeldResources();

        IReadOnlyList<string> errors = new FileSource(folder.Path).LoadOnce(held);

        Assert.Equal(["reviews"], held.Names(TypeUrls.Cluster));
        Assert.Equal(["deep.json", "loop.yaml"], errors.Select(error => Path.GetFileName(error.Split(':')[0])).Order());
    }

    [Fact]
    public void All_forms_of_a_file_give_the_same_bytes()
    {
        string resource = """{"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": "l", "trafficDirection": "OUTBOUND"}""";
        string[] forms =
        [
            resource,
            $"[{resource}]",
            $$"""{"resources": [{{resource}}]}""",
            $$"""{"resources": [{"name": "l", "version": "1", "resource": {{resource}}}]}""",
            $"---\n{resource}\n---\n",
            "'@type': type.googleapis.com/envoy.config.listener.v3.Listener\ntraffic_direction: OUTBOUND\nname: l\n",
        ];
        byte[] expected = new Envoy.Config.Listener.V3.Listener { Name = "l", TrafficDirection = Envoy.Config.Core.V3.TrafficDirection.Outbound }.ToByteArray();
        foreach (string form in forms)
        {
            var (typeUrl, name, body) = Assert.Single(ResourceFile.Read(form, "f", []));
            Assert.Equal((TypeUrls.Listener, "l"), (typeUrl, name));
            Assert.Equal(expected, body.ToArray());
        }
    }

    [Theory]
    [InlineData("{", "f:2: While parsing")]
    [InlineData("just text", "neither a resource")]
    [InlineData("{\"@type\": \"type.googleapis.com/some.Other\"}", "f: $: type.googleapis.com/some.Other is not a type of resource")]
    [InlineData("[{\"@type\": \"type.googleapis.com/envoy.config.cluster.v3.Cluster\"}]", "f: $[0]: the resource has no name")]
    [InlineData("resources: 3", "f: $.resources: a list was expected, not the number 3")]
    [InlineData("a: 1\na: 2", "f:2: the key 'a' occurs twice")]
    public void What_is_wrong_is_told_with_its_place(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<SourceException>(() => ResourceFile.Read(text, "f", [])).Message);

    [Fact]
    public async Task A_folder_that_is_not_there_is_an_error()
    {
        var source = new FileSource("/nowhere/at/all");
        Assert.Contains("no such folder", (await Assert.ThrowsAsync<SourceException>(() => source.RunAsync(new HeldResources(), default))).Message);
    }

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public Running(string folder)
        {
            Source = new FileSource(folder, TimeSpan.FromMilliseconds(10));
            _run = Task.Run(() => Source.RunAsync(Held, _stop.Token));
        }

        public FileSource Source { get; }

        public HeldResources Held { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _run);
            _stop.Dispose();
        }
    }
}
