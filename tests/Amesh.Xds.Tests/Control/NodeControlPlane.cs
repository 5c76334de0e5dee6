using System.Diagnostics;
using System.Text.Json;

namespace Amesh.Xds.Tests.Control;

/// <summary>The control plane of <c>native-tests/control-plane</c>: grpc-js and upstream's .proto files, no code of ours.</summary>
internal sealed class NodeControlPlane : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _http;

    private NodeControlPlane(Process process, int port, int httpPort)
    {
        _process = process;
        Address = new Uri($"http://127.0.0.1:{port}");
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{httpPort}") };
    }

    public Uri Address { get; }

    public static async Task<NodeControlPlane> StartAsync(string sample, params string[] more)
    {
        string folder = Path.Combine(Repository.Root, "native-tests", "control-plane");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), $"run 'npm ci' in {folder} first");
        var start = new ProcessStartInfo("node") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in (string[])["control-plane.mjs", "--recording", Repository.Sample(sample), "--exit-with-stdin", .. more])
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start)!;
        string? line = await process.StandardOutput.ReadLineAsync();
        string[] words = line?.Split(' ') ?? [];
        Assert.True(words is ["listening", _, _], $"the control plane did not start: {line} {(line is null ? await process.StandardError.ReadToEndAsync() : "")}");
        return new NodeControlPlane(process, int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture), int.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture));
    }

    public async Task PostAsync(string path)
    {
        using HttpResponseMessage response = await _http.PostAsync(new Uri(path, UriKind.Relative), null);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<JsonElement> StateAsync() => JsonDocument.Parse(await _http.GetStringAsync(new Uri("/state", UriKind.Relative))).RootElement;

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
    }
}
