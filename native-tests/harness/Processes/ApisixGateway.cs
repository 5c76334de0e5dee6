using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Amesh.Harness.Processes;

/// <summary>
/// A real Apache APISIX: the installation whose home is APISIX_HOME (with <c>openresty</c> on the PATH), in a private prefix, configured by
/// <c>apisix-patch/config.yaml</c> (or <c>config-http.yaml</c>, or without the TLS to endpoints, where its nginx can no more) with ports and paths of the run. No file of the installation is changed.
/// </summary>
internal sealed partial class ApisixGateway(string folder, GatewayOptions options) : IProxy
{
    private const int Port = 15001;
    private const int InboundPort = 15006;
    private const int MetricsPort = 15191;
    private const string PlaceOfAmesh = "/usr/local/amesh";
    private static readonly string[] KindsOfObjects = ["routes", "upstreams", "listeners", "virtual_hosts", "stream_routes", "ssls", "tls_contexts", "amesh_secrets"];
    private static readonly string[] PagesOfApisix = ["routes", "upstreams", "services", "plugin_metadata", "schema", "healthcheck"];
    private static readonly string[] CodeFolders = ["apisix", "bin", "deps"];
    private readonly string _prefix = Path.Combine(folder, "apisix");
    private ChildProcess? _process;

    public string User => "nobody";

    public int? OutboundPort => Port;

    /// <summary>The second number of its nginx: since 27 it hands connections from one listener to another, since 29 it verifies certificates in Lua.</summary>
    private static int Nginx { get; } =
        Network.Shell.Try("openresty", "-v") is var (_, output, error) && NginxVersion().Match(output + error) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;

    private static bool HasStream => Nginx >= 27;

    private bool ShowsEverything => options.LogLevel == "debug";

    private string ErrorLog => Path.Combine(_prefix, "logs", "error.log");

    private static string Home
    {
        get
        {
            var home = Environment.GetEnvironmentVariable("APISIX_HOME");
            return home is not null && Directory.Exists(Path.Combine(home, "apisix"))
                ? home
                : throw new HarnessException("--target apisix: set APISIX_HOME to the home of an APISIX 3 (the folder with apisix/, bin/ and conf/), and have its openresty on the PATH");
        }
    }

    public async Task StartAsync()
    {
        LayOut();
        var (code, output, error) = Network.Shell.Try("sh", "-c", $"cd '{_prefix}' && bash ./bin/apisix init");
        if (code != 0)
        {
            throw new HarnessException($"apisix init: {output}{error}");
        }
        _process = ChildProcess.Start("apisix", Path.Combine(folder, "apisix.log"), "openresty", ["-p", _prefix, "-c", Path.Combine(_prefix, "conf", "nginx.conf"), "-g", "daemon off;"]);
        await Waiting.UntilAsync(
            () =>
            {
                ThrowIfExited();
                return Task.FromResult(Workers().Count > 0 && File.Exists(ErrorLog));
            },
            TimeSpan.FromSeconds(20),
            () => "APISIX has workers");
    }

    /// <summary>The last commit, and what the error log says: every worker notes each commit that it applies, for HTTP and for TCP.</summary>
    public async Task<ProxyState> StateAsync()
    {
        using var http = new HttpClient();
        var commit = long.Parse(await http.GetStringAsync(new Uri("http://127.0.0.1:15002/commit")), CultureInfo.InvariantCulture);
        var applied = new Dictionary<(int Worker, bool Stream), long>();
        using var log = new StreamReader(new FileStream(ErrorLog, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (log.ReadLine() is { } line)
        {
            if (AppliedCommit().Match(line) is { Success: true } match)
            {
                applied[(int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), match.Groups[2].Success)] = long.Parse(match.Groups[3].ValueSpan, CultureInfo.InvariantCulture);
            }
        }
        var workers = Workers();
        return new ProxyState(commit, workers.Count == 0 ? 0 : workers.Min(id => Math.Min(applied.GetValueOrDefault((id, false)), HasStream ? applied.GetValueOrDefault((id, true)) : long.MaxValue)));
    }

    public async Task<IReadOnlyList<Uri>> ControlPagesAsync()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{TestGateway.ControlPort}/v1/") };
        List<Uri> pages = [.. PagesOfApisix.Append("amesh/status").Select(page => new Uri(http.BaseAddress, page))];
        if (ShowsEverything)
        {
            pages.Add(new Uri($"http://127.0.0.1:{MetricsPort}/apisix/prometheus/metrics"));
        }
        foreach (var kind in KindsOfObjects)
        {
            using var answer = await http.GetAsync(new Uri($"amesh/objects/{kind}", UriKind.Relative));
            if (answer.IsSuccessStatusCode)
            {
                var ids = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("ids");
                pages.AddRange((ids.ValueKind == JsonValueKind.Array ? ids.EnumerateArray().Select(static id => id.GetString()) : []).Select(id => new Uri(http.BaseAddress, $"amesh/objects/{kind}/{id}")));
            }
        }
        return pages;
    }

    public string Complaint => File.Exists(ErrorLog) ? string.Join('\n', File.ReadLines(ErrorLog).Where(static line => line.Contains("[error]", StringComparison.Ordinal)).TakeLast(3)) : "";

    /// <summary>The worker processes that there are now, of old configurations as well.</summary>
    public IReadOnlyList<int> WorkerIds => Workers();

    /// <summary>Reads its configuration again, as <c>apisix reload</c> does.</summary>
    public void Reload() => _process?.Signal("HUP");

    public void ThrowIfExited() => _process?.ThrowIfExited();

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }
    }

    private List<int> Workers() =>
        _process is null ? []
            : [.. File.ReadAllText($"/proc/{_process.Id}/task/{_process.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(static id => int.Parse(id, CultureInfo.InvariantCulture))
                .Where(static id => File.ReadAllText($"/proc/{id}/cmdline").Contains("worker process", StringComparison.Ordinal))];

    /// <summary>A home of its own for this run: code by link, configuration by copy.</summary>
    private void LayOut()
    {
        Directory.CreateDirectory(Path.Combine(_prefix, "conf"));
        Directory.CreateDirectory(Path.Combine(_prefix, "logs"));
        foreach (var part in CodeFolders.Where(part => Directory.Exists(Path.Combine(Home, part))))
        {
            File.CreateSymbolicLink(Path.Combine(_prefix, part), Path.Combine(Home, part));
        }
        Network.Shell.Run("sh", "-c", $"cp -r '{Home}'/conf/. '{_prefix}/conf/' && rm -f '{_prefix}'/conf/*.sock '{_prefix}'/conf/apisix.yaml");
        File.WriteAllText(Path.Combine(_prefix, "conf", "config.yaml"), Configuration());
    }

    private string Configuration()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(Given().Replace(PlaceOfAmesh, Repository.Root.TrimEnd('/'), StringComparison.Ordinal)));
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        Merge(root, (YamlMappingNode)Yaml($$"""
            {
              apisix: {
                router: {http: {{options.Router}}}, enable_control: true, control: {ip: 127.0.0.1, port: {{TestGateway.ControlPort}}},
                proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m, disk_path: "{{_prefix}}/cache", cache_levels: "1:2"}]}
              },
              plugin_attr: {amesh: {library: "{{Repository.Library}}", source: "{{options.Source}}", protocol: {{options.Protocol}}, state_file: "{{options.StateFile}}", sds: "{{options.Sds}}", log_level: {{options.LogLevel}}, node: {{File.ReadAllText(Path.Combine(options.Recording, "node.json")).ReplaceLineEndings(" ")}} } },
              nginx_config: {http_configuration_snippet: {{Http(root)}}, worker_processes: {{options.Workers}}, error_log_level: {{options.LogLevel}}, worker_rlimit_nofile: 20000}
            }
            """));
        if (ShowsEverything)
        {
            Merge(root, (YamlMappingNode)Yaml($$"""
                {plugins: [amesh, prometheus], plugin_attr: {prometheus: {export_addr: {ip: 127.0.0.1, port: {{MetricsPort}} } } } }
                """));
        }
        Merge(root, (YamlMappingNode)Yaml(HasStream ? Captured(root) : HttpOnly()));
        var text = new StringWriter();
        new YamlStream(new YamlDocument(root)).Save(text, assignAnchors: false);
        return text.ToString();
    }

    /// <summary>What users are told to take for this nginx (docs/apisix.md).</summary>
    private static string Given()
    {
        var all = File.ReadAllText(Repository.At("apisix-patch", "config.yaml"));
        var http = File.ReadAllText(Repository.At("apisix-patch", "config-http.yaml"));
        if (Nginx is < 27 or >= 29)
        {
            return Nginx < 27 ? http : all;
        }
        string[] newer = ["amesh-upstream-tls.conf;", "amesh-http2-tls.conf;", "amesh-reload.conf;"];
        var lines = all.Split('\n').Where(line => !newer.Any(file => line.Contains(file, StringComparison.Ordinal)));
        const string Named = "    location @amesh {";
        return string.Join('\n', lines).Replace(Named, "    set $amesh_http2_backend amesh_http2;\n" + Named, StringComparison.Ordinal) + "\n" + SnippetForHttp().Match(http).Value;
    }

    /// <summary>What config.yaml puts into nginx's http block, and the harness's own server.</summary>
    private static string Http(YamlMappingNode root)
    {
        var given = ((YamlMappingNode)root.Children["nginx_config"]).Children.TryGetValue("http_configuration_snippet", out var node) ? ((YamlScalarNode)node).Value : "";
        return JsonSerializer.Serialize($"{given}include {Repository.At("native-tests", "harness", "Processes", "control.conf")};");
    }

    /// <summary>The ports of the run in place of those that config.yaml captures.</summary>
    private string Captured(YamlMappingNode root)
    {
        var given = ((YamlScalarNode)((YamlMappingNode)root.Children["nginx_config"]).Children["stream_configuration_snippet"]).Value!;
        var listens = options.OwnPorts.Append(Port).Append(InboundPort).Distinct().Select(static port => $"listen {port}; listen [::]:{port};");
        var servers = CapturedPorts().Replace(given, "server { " + string.Join(' ', listens), 1);
        var transparent = options.TransparentPorts.Count > 0 ? $"include {Repository.At("apisix-patch", "amesh-transparent.conf")};\n" : "";
        return $$"""
            plugin_attr: {amesh: {transparent: [{{string.Join(", ", options.TransparentPorts)}}] } }
            nginx_config:
              stream_configuration_snippet: {{System.Text.Json.JsonSerializer.Serialize(transparent + servers)}}
            """;
    }

    private string HttpOnly() => $$"""apisix: {node_listen: [{{string.Join(", ", options.OwnPorts.Append(Port).Append(InboundPort).Distinct())}}]}""";

    private static YamlNode Yaml(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        return yaml.Documents[0].RootNode;
    }

    private static void Merge(YamlMappingNode into, YamlMappingNode from)
    {
        foreach (var (key, value) in from.Children)
        {
            if (value is YamlMappingNode mapping && into.Children.TryGetValue(key, out var there) && there is YamlMappingNode below)
            {
                Merge(below, mapping);
            }
            else
            {
                into.Children[key] = value;
            }
        }
    }

    [GeneratedRegex(@" (\d+)#\d+: .*(?:applied|(stream) subsystem is at) commit (\d+)")]
    private static partial Regex AppliedCommit();

    [GeneratedRegex(@"  http_configuration_snippet: \|\n(    .*\n)+")]
    private static partial Regex SnippetForHttp();

    [GeneratedRegex(@"server \{(\s*listen [^;]*;)+")]
    private static partial Regex CapturedPorts();

    [GeneratedRegex(@"/1\.(\d+)\.")]
    private static partial Regex NginxVersion();
}
