using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Amesh.Native.Tests;

/// <summary>The library is given meshes with private keys, which go into the zone and nowhere else.</summary>
public sealed class SecrecyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("amesh-secrecy-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("kuma/bookinfo", "mtls")]
    [InlineData("consul/bookinfo", "ca-rotated")]
    [InlineData("osm/bookinfo", "base")]
    [InlineData("istio/gateway", "https")]
    public async Task Private_keys_are_in_no_status_no_log_and_no_state_file(string recording, string step)
    {
        string state = Path.Combine(_folder, "state");
        var config = new MemoryZone();
        var version = new MemoryZone();
        var log = new Lines();
        var options = new StartOptions
        {
            Source = $"recording:{Path.Combine(Root(), "samples", recording)}?step={step}",
            StateFile = state,
            Sds = "off",
            Node = JsonNode.Parse("""{"id":"n"}"""),
        };
        using (var instance = new Instance(options, config, version, log))
        {
            while (!File.Exists(state))
            {
                await Task.Delay(10);
            }

            log.Add(JsonSerializer.Serialize(instance.Status(), NativeJsonContext.Default.InstanceStatus));
            Assert.True(instance.Stop(TimeSpan.FromSeconds(30)));
        }

        log.Add(Encoding.UTF8.GetString(version.Text("amesh/status") ?? []));
        log.Add(File.ReadAllText(state));
        string[] keys = [.. config.Keys.Where(key => key.StartsWith("/amesh_secrets/", StringComparison.Ordinal))
            .Select(key => JsonNode.Parse(config.Text(key))?["key"]?.GetValue<string>()).OfType<string>()
            .SelectMany(key => key.Split('\n')).Where(line => line.Length > 20 && !line.StartsWith("---", StringComparison.Ordinal))];
        Assert.NotEmpty(keys);
        Assert.Contains(log.All, line => line.Contains("/upstreams/", StringComparison.Ordinal));
        Assert.DoesNotContain(log.All, line => line.Contains("PRIVATE KEY", StringComparison.Ordinal) || keys.Any(key => line.Contains(key, StringComparison.Ordinal)));
    }

    private static string Root([System.Runtime.CompilerServices.CallerFilePath] string file = "") =>
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(file)))!;
}
