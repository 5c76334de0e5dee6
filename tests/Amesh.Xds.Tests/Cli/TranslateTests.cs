using System.Text.Json.Nodes;
using Amesh.Cli;
using Amesh.Xds.Tests.Ads;

namespace Amesh.Xds.Tests.Cli;

public sealed class TranslateTests
{
    [Fact]
    public async Task A_recording_is_shown_as_it_is_after_a_step()
    {
        JsonObject subsets = await TranslateAsync("--recording", Repository.Sample("istio/bookinfo"), "--step", "subsets");
        JsonObject jason = await TranslateAsync("--recording", Repository.Sample("istio/bookinfo"), "--step", "jason-to-v2", "--sotw");

        Assert.DoesNotContain(Objects(subsets), o => o.Key.Contains("v2-reviews", StringComparison.Ordinal));
        Assert.Contains(Objects(jason), o => o.Key.StartsWith("/upstreams/outbound-9080-v2-reviews", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_diagnostic_names_the_resource_the_field_and_the_users_own_object()
    {
        JsonObject document = await TranslateAsync("--recording", Repository.Sample("istio/traffic"), "--step", "circuit-breaking");

        JsonNode[] diagnostics = [.. document["diagnostics"]!.AsArray().OfType<JsonNode>()];
        Assert.All(diagnostics, d => Assert.All(["severity", "resource", "field", "message"], name => Assert.NotNull(d[name])));
        Assert.Contains(diagnostics, d => ((string?)d["origin"])?.Contains("/destination-rule/", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_folder_of_files_is_shown_and_a_bad_file_costs_itself_alone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("listener.yaml"), """
            resources:
            - "@type": type.googleapis.com/envoy.config.listener.v3.Listener
              name: web
              address: {socketAddress: {address: 0.0.0.0, portValue: 8080}}
              filterChains:
              - filters:
                - name: http
                  typedConfig:
                    "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                    routeConfig:
                      name: inline
                      virtualHosts:
                      - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: web}}]}
            """);
        File.WriteAllText(folder.File("cluster.json"), """
            {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "web", "type": "STATIC", "loadAssignment": {"clusterName": "web",
             "endpoints": [{"lbEndpoints": [{"endpoint": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": 80}}}}]}]}}
            """);
        Assert.Equal(
            ["/listeners", "/routes", "/upstreams", "/virtual_hosts"],
            Objects(await TranslateAsync("--files", folder.Path)).Select(o => o.Key[..o.Key.LastIndexOf('/')]).Order());

        // A field that nobody knows is told, and costs nothing.
        folder.Write("note.yaml", "{'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: other, bogus: 1}");
        var errors = new StringWriter();
        Assert.Equal(0, await Program.RunAsync(["translate", "--files", folder.Path], TextWriter.Null, errors));
        Assert.Contains("bogus", errors.ToString(), StringComparison.Ordinal);
        File.Delete(folder.File("note.yaml"));

        File.WriteAllText(folder.File("broken.json"), "{");
        errors = new StringWriter();
        var output = new StringWriter();
        int code = await Program.RunAsync(["translate", "--files", folder.Path], output, errors);

        Assert.Equal(1, code);
        Assert.Contains("broken.json", Assert.Single(errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(4, Objects(JsonNode.Parse(output.ToString())!.AsObject()).Count);
    }

    [Fact]
    public async Task Names_stay_names_unless_a_file_says_what_they_stand_for()
    {
        string[] arguments = ["--recording", Repository.Sample("istio/protocols"), "--step", "service-entries"];
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("hosts"), "10.1.2.3 weather.example.com\n10.1.2.4 weather.example.com # a second one\n");

        Assert.Equal(["weather.example.com"], WeatherHosts(await TranslateAsync(arguments)));
        Assert.Equal(["10.1.2.3", "10.1.2.4"], WeatherHosts(await TranslateAsync([.. arguments, "--dns", folder.File("hosts")])));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_control_plane_is_shown_like_its_recording(bool sotw)
    {
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", null);
        string[] protocol = sotw ? ["--sotw"] : [];

        JsonObject live = await TranslateAsync(
            ["--server", $"grpc://{session.Server.Addresses[0].Authority}", "--node", Repository.Sample("istio/bookinfo/node.json"), .. protocol]);
        JsonObject recorded = await TranslateAsync("--recording", Repository.Sample("istio/bookinfo"), "--step", "base");

        Assert.Equal(recorded["objects"]!.ToJsonString(), live["objects"]!.ToJsonString());
    }

    [Fact]
    public async Task A_control_plane_on_a_Unix_socket_is_shown_too()
    {
        using var folder = new TemporaryFolder();
        string socket = folder.File("xds");
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", null, options => options with { Addresses = [new Uri("unix:" + socket)] });

        Assert.NotEmpty(Objects(await TranslateAsync("--server", "unix:" + socket, "--node", Repository.Sample("istio/bookinfo/node.json"))));
    }

    [Fact]
    public async Task Yaml_says_what_json_says()
    {
        string[] arguments = ["--recording", Repository.Sample("istio/traffic"), "--step", "match-headers"];
        JsonObject json = await TranslateAsync(arguments);
        var output = new StringWriter();
        Assert.Equal(0, await Program.RunAsync(["translate", .. arguments, "--yaml"], output, TextWriter.Null));

        using System.Text.Json.JsonDocument yaml = Amesh.Xds.Json.YamlJson.ParseOne(output.ToString(), "output");
        Assert.True(JsonNode.DeepEquals(json, JsonNode.Parse(yaml.RootElement.GetRawText())));
    }

    [Theory]
    [InlineData()]
    [InlineData("--recording", "a", "--files", "b")]
    [InlineData("--files", "a", "--step", "b")]
    [InlineData("--recording", "/nowhere")]
    [InlineData("--files", "/nowhere")]
    public async Task Bad_usage_and_missing_folders_are_an_error(params string[] arguments)
    {
        var errors = new StringWriter();

        Assert.NotEqual(0, await Program.RunAsync(["translate", .. arguments], TextWriter.Null, errors));
        Assert.NotEmpty(errors.ToString());
        Assert.DoesNotContain("   at ", errors.ToString(), StringComparison.Ordinal);
    }

    private static async Task<JsonObject> TranslateAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var errors = new StringWriter();
        int code = await Program.RunAsync(["translate", .. arguments], output, errors);
        Assert.True(code == 0, errors.ToString());
        return JsonNode.Parse(output.ToString())!.AsObject();
    }

    private static IEnumerable<string?> WeatherHosts(JsonObject document) =>
        Objects(document).Single(o => (string?)o.Value!["name"] == "outbound|80||weather.example.com" && o.Key.StartsWith("/upstreams/", StringComparison.Ordinal))
            .Value!["nodes"]!.AsArray().Select(node => (string?)node!["host"]);

    private static JsonObject Objects(JsonObject document) => document["objects"]!.AsObject();
}
