using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Amesh.Harness.Processes;

/// <summary>How a test gateway is to be started.</summary>
internal sealed record GatewayOptions
{
    /// <summary>Where the library gets its configuration.</summary>
    public string Source { get; init; } = $"grpc://127.0.0.1:{ControlPlane.AdsPort}";

    /// <summary><c>delta</c> or <c>sotw</c>.</summary>
    public string Protocol { get; init; } = "delta";

    /// <summary>The recording whose node the library announces.</summary>
    public required string Recording { get; init; }

    /// <summary>Ports on which the proxy is called by name, beside the one for redirected connections.</summary>
    public IReadOnlyList<int> OwnPorts { get; init; } = [];

    /// <summary>Ports that get connections by TPROXY (a real APISIX only).</summary>
    public IReadOnlyList<int> TransparentPorts { get; init; } = [];

    /// <summary>The router of an APISIX: Amesh's, or one of its own.</summary>
    public string Router { get; init; } = "amesh";

    /// <summary>Number of nginx workers.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Size of the zone that holds the objects, as nginx writes sizes.</summary>
    public string ZoneSize { get; init; } = "32m";

    /// <summary>Level of the error log, and of the library's words in it. With <c>debug</c> an APISIX exports its metrics, too: everything that it can show.</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary>False to start nginx without the library.</summary>
    public bool WithLibrary { get; init; } = true;

    /// <summary>Where the library keeps its last good state; null: nowhere.</summary>
    public string? StateFile { get; init; }

    /// <summary>Unix socket of what stands for Istio's agent, which serves secrets; null: there is none.</summary>
    public string? AgentSocket { get; init; }

    /// <summary>Where the library asks for an agent's secrets.</summary>
    public string Sds => AgentSocket is null ? "off" : "unix:" + AgentSocket;

    /// <summary>The library's options as JSON.</summary>
    public string LibraryOptions()
    {
        var node = JsonNode.Parse(File.ReadAllText(Path.Combine(Recording, "node.json")))!;
        return new JsonObject { ["source"] = Source, ["protocol"] = Protocol, ["node"] = node, ["state_file"] = StateFile, ["sds"] = Sds, ["log_level"] = LogLevel }.ToJsonString();
    }
}

/// <summary>The test gateway of <c>native-tests/gateway</c>: nginx with the library, the provider, the router and the plugin.</summary>
internal sealed class TestGateway(string folder, GatewayOptions options) : IProxy
{
    private const int Port = 15001;
    private const int InboundPort = 15006;

    /// <summary>Where its control endpoint listens on 127.0.0.1.</summary>
    public const int ControlPort = 15000;

    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{ControlPort}/"), Timeout = TimeSpan.FromSeconds(5) };
    private ChildProcess? _process;

    public string User => "www-data";

    public int? OutboundPort => Port;

    /// <summary>nginx's folder: configuration, logs.</summary>
    public string Prefix { get; } = Path.Combine(folder, "gateway");

    /// <summary>nginx's error log.</summary>
    public string ErrorLog => Path.Combine(Prefix, "logs", "error.log");

    /// <summary>nginx's master process.</summary>
    public int MasterId => int.Parse(File.ReadAllText(Path.Combine(Prefix, "nginx.pid")).Trim(), CultureInfo.InvariantCulture);

    /// <summary>nginx's worker processes.</summary>
    public IReadOnlyList<int> WorkerIds =>
        [.. File.ReadAllText($"/proc/{MasterId}/task/{MasterId}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static id => int.Parse(id, CultureInfo.InvariantCulture))];

    /// <summary>The process that holds the library; null when none does.</summary>
    public int? LibraryHolder => WorkerIds.Cast<int?>().FirstOrDefault(static id => Holds(id!.Value));

    public async Task StartAsync()
    {
        Directory.CreateDirectory(Prefix);
        var environment = new Dictionary<string, string>
        {
            ["GATEWAY_PORT"] = string.Join(' ', options.OwnPorts.Prepend(InboundPort).Prepend(Port)),
            ["GATEWAY_CONTROL_PORT"] = ControlPort.ToString(CultureInfo.InvariantCulture),
            ["GATEWAY_WORKERS"] = options.Workers.ToString(CultureInfo.InvariantCulture),
            ["ZONE_SIZE"] = options.ZoneSize,
            ["GATEWAY_USER"] = User,
            ["GATEWAY_ERROR_LOG_LEVEL"] = options.LogLevel,
            ["GATEWAY_HTTP_CONF"] = Repository.At("native-tests", "harness", "Processes", "control.conf"),
        };
        if (options.WithLibrary)
        {
            environment["AMESH_LIBRARY"] = Repository.Library;
            environment["AMESH_SOURCE"] = options.Source;
            environment["AMESH_OPTIONS"] = options.LibraryOptions();
        }
        _process = ChildProcess.Start("gateway", Path.Combine(folder, "gateway.log"), Repository.At("native-tests", "gateway", "start.sh"), [Prefix], environment);
        await Waiting.UntilAsync(
            async () =>
            {
                ThrowIfExited();
                return await TryStatusAsync() is not null;
            },
            TimeSpan.FromSeconds(20),
            () => "the gateway answers\n" + LastWords());
        if (options.WithLibrary && ErrorLines("no xDS library") is [var refused, ..])
        {
            throw new HarnessException("the gateway has no library: " + refused);
        }
    }

    public async Task<ProxyState> StateAsync()
    {
        if (await TryStatusAsync() is not { } status)
        {
            return new ProxyState(0, 0);
        }
        var workers = status.GetProperty("workers").EnumerateObject().Select(static worker => worker.Value.GetInt64());
        return new ProxyState(status.GetProperty("version").GetInt64(), workers.Min());
    }

    /// <summary>Keys that the commits after one set (<c>+/routes/x</c>) and removed (<c>-/routes/x</c>).</summary>
    public async Task<IReadOnlyList<string>> ChangesAsync(long after) =>
        (await _http.GetStringAsync(new Uri($"http://127.0.0.1:15002/changes?after={after}"))).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public Task<IReadOnlyList<Uri>> ControlPagesAsync() =>
        Task.FromResult<IReadOnlyList<Uri>>([new($"http://127.0.0.1:{ControlPort}/status"), new($"http://127.0.0.1:{ControlPort}/objects")]);

    public string Complaint => string.Join('\n', ErrorLines("[error]").TakeLast(3));

    /// <summary>True while the library says that its stream is up.</summary>
    public async Task<bool> IsConnectedAsync() =>
        await TryStatusAsync() is { } status && status.TryGetProperty("library", out var library) && library.GetProperty("state").GetString() == "connected";

    /// <summary>Has nginx load its configuration again.</summary>
    public void Reload() => Network.Shell.Run("kill", "-HUP", MasterId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Lines of the error log that contain a text.</summary>
    public IReadOnlyList<string> ErrorLines(string containing) =>
        File.Exists(ErrorLog) ? [.. File.ReadLines(ErrorLog).Where(line => line.Contains(containing, StringComparison.Ordinal))] : [];

    /// <summary>What the control endpoint says; null when it does not answer.</summary>
    public async Task<JsonElement?> TryStatusAsync()
    {
        try
        {
            return JsonDocument.Parse(await _http.GetStringAsync(new Uri("status", UriKind.Relative))).RootElement;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The end of the error log.</summary>
    public string LastWords(int lines = 15) => _process?.Tail(lines) + (File.Exists(ErrorLog) ? "\n" + string.Join('\n', File.ReadLines(ErrorLog).TakeLast(lines)) : "");

    public void ThrowIfExited() => _process?.ThrowIfExited();

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }
        _http.Dispose();
    }

    private static bool Holds(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/maps").Contains("libxds.so", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
