using Amesh.Harness.Certificates;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Tests;

public sealed class SecretSearchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("amesh-secrets-").FullName;
    private readonly string _recording;

    public SecretSearchTests()
    {
        _recording = Path.Combine(_folder, "recording");
        RewrittenRecording.Write(Repository.Sample("istio/gateway"), _recording, new RunAuthority(), isGateway: true);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AKeyIsFoundWhereverItWasWritten()
    {
        var keys = SecretSearch.KeysIn(_recording);
        // default of the agent, and the two of the gateway
        Assert.Equal(3, keys.Count);
        Directory.CreateDirectory(Path.Combine(_folder, "logs"));
        File.WriteAllText(Path.Combine(_folder, "logs", "good.log"), "nothing");
        Assert.Empty(SecretSearch.Leaks(keys, SecretSearch.Files(_folder, except: "recording")));
        foreach (var (index, key) in keys.Index())
        {
            var bad = Path.Combine(_folder, "logs", $"bad-{index}.log");
            // as JSON would have it
            File.WriteAllText(bad, $"{{\"key\":\"-----BEGIN PRIVATE KEY-----\\n{key}\\n\"}}");
            Assert.Equal([bad], SecretSearch.Leaks(new HashSet<string> { key }, SecretSearch.Files(_folder, except: "recording")));
        }
    }

    [Fact]
    public void ACompressedFileIsReadToo()
    {
        var key = SecretSearch.KeysIn(_recording).First();
        var path = Path.Combine(_folder, "state");
        using (var file = new System.IO.Compression.GZipStream(File.Create(path), System.IO.Compression.CompressionLevel.Fastest))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes($"x{key}x"));
        }
        Assert.Equal([path], SecretSearch.Leaks(SecretSearch.KeysIn(_recording), SecretSearch.Files(_folder, except: "recording")));
    }
}
