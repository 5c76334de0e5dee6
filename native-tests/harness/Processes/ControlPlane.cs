using System.Globalization;
using System.Text.Json;
using Amesh.Harness.Recordings;

namespace Amesh.Harness.Processes;

/// <summary>A program that replays a recording over ADS, and is moved from step to step over HTTP.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    /// <summary>Where it speaks ADS.</summary>
    public const int AdsPort = 15010;

    /// <summary>Where it listens for commands.</summary>
    public const int HttpPort = 15011;
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{HttpPort}/"), Timeout = TimeSpan.FromSeconds(10) };
    private readonly string _program;
    private readonly string[] _arguments;
    private readonly string _log;
    private ChildProcess? _process;

    private ControlPlane(string program, string[] arguments, string log)
    {
        _program = program;
        _arguments = arguments;
        _log = log;
    }

    /// <summary>What it is, in a few words.</summary>
    public string Description => _program == "node" ? "the independent one in Node" : "amesh replay";

    /// <summary>One of the two by name: <c>amesh</c> or <c>node</c>.</summary>
    public static ControlPlane Of(string name, string recording, string folder, string? agentSocket = null) => name == "node" ? Node(recording, folder) : Amesh(recording, folder, agentSocket);

    /// <summary>The project's own: <c>amesh replay</c>, which stands for the node's agent as well where it is given a socket for that.</summary>
    public static ControlPlane Amesh(string recording, string folder, string? agentSocket = null) => new(
        "dotnet",
        [Repository.CommandLine, "replay", recording, "--port", Text(AdsPort), "--http", Text(HttpPort), .. agentSocket is null ? Array.Empty<string>() : ["--unix", agentSocket]],
        Path.Combine(folder, "control-plane.log"));

    /// <summary>The independent one in Node, which can also misbehave.</summary>
    public static ControlPlane Node(string recording, string folder) => new(
        "node",
        [Repository.At("native-tests", "control-plane", "control-plane.mjs"), "--recording", recording, "--port", Text(AdsPort), "--http-port", Text(HttpPort)],
        Path.Combine(folder, "control-plane.log"));

    /// <summary>Starts it (again), at the first step of the recording.</summary>
    public async Task StartAsync(params string[] more)
    {
        var process = _process = ChildProcess.Start("control plane", _log, _program, [.. _arguments, .. more]);
        await Waiting.UntilAsync(
            async () =>
            {
                process.ThrowIfExited();
                return await TryStateAsync() is not null;
            },
            TimeSpan.FromSeconds(20),
            () => "the control plane answers\n" + process.Tail());
    }

    /// <summary>Ends it; <see cref="StartAsync"/> brings it back.</summary>
    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            await process.DisposeAsync();
        }
    }

    /// <summary>Moves on to a step; connected clients are sent what it changed.</summary>
    public async Task GoToAsync(string step)
    {
        using var answer = await _http.PostAsync(new Uri($"step/{Uri.EscapeDataString(step)}", UriKind.Relative), null);
        if (!answer.IsSuccessStatusCode)
        {
            throw new HarnessException($"control plane: step {step}: {await answer.Content.ReadAsStringAsync()}");
        }
    }

    /// <summary>Sends a command to a path of its HTTP side.</summary>
    public async Task<string> PostAsync(string path)
    {
        using var answer = await _http.PostAsync(new Uri(path, UriKind.Relative), null);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>What it says of itself and its clients.</summary>
    public async Task<JsonElement> StateAsync() => await TryStateAsync() ?? throw new HarnessException("control plane: no answer");

    /// <summary>True when a state says that a client is there, watches what the step has, and has acknowledged all of it.</summary>
    public static bool IsDelivered(JsonElement state, RecordedStep step) =>
        state.GetProperty("step").GetString() == step.Name && state.GetProperty("clients") is var clients && clients.GetArrayLength() > 0
        && clients.EnumerateArray().Any(client => step.State.SubscribedTypes.All(type => client.GetProperty("types").TryGetProperty(type, out _)))
        && clients.EnumerateArray().All(client => !client.TryGetProperty("pushed", out var pushed) || pushed.GetString() == step.Name)
        && Types(state).All(static type => type.GetProperty("answered").GetBoolean());

    /// <summary>How often clients refused what they were sent.</summary>
    public static int Nacks(JsonElement state) =>
        Types(state).Sum(static type => type.TryGetProperty("nack_count", out var count) ? count.GetInt32() : type.GetProperty("nacks").GetInt32());

    private static IEnumerable<JsonElement> Types(JsonElement state) =>
        state.GetProperty("clients").EnumerateArray().SelectMany(static client => client.GetProperty("types").EnumerateObject()).Select(static type => type.Value);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
    }

    private async Task<JsonElement?> TryStateAsync()
    {
        try
        {
            return JsonDocument.Parse(await _http.GetStringAsync(new Uri("state", UriKind.Relative))).RootElement;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            return null;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
