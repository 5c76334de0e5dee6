using Amesh.Xds.Secrets;
using Amesh.Xds.Store;
using Envoy.Config.Core.V3;
using static Amesh.Translation.Tests.Warming.WarmingMesh;

namespace Amesh.Translation.Tests.Warming;

/// <summary>Secrets that do not come with everything else are waited for only where somebody is there who could bring them.</summary>
public sealed class SecretWarmingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("amesh-warming-").FullName;
    private readonly WarmingMesh _mesh = new();
    private readonly SecretFiles _files = new();

    public void Dispose()
    {
        _files.Dispose();
        _mesh.Dispose();
        Directory.Delete(_folder, true);
    }

    [Fact]
    public void A_secret_in_a_file_is_waited_for_until_the_file_has_been_read()
    {
        (string certificate, string key) = Pems.Pair();
        string Text(string pem) => System.Text.Json.JsonSerializer.Serialize(pem);
        File.WriteAllText(
            Path.Combine(_folder, "secret.json"),
            $$"""
            {"resources":[{"@type":"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret","name":"s",
              "tls_certificate":{"certificate_chain":{"inline_string":{{Text(certificate)}}},"private_key":{"inline_string":{{Text(key)}} } } } ] }
            """);
        _mesh.Store.Attend(SecretOrigin.Files);
        Change();
        Assert.DoesNotContain("\"tls\"", _mesh.Listeners, StringComparison.Ordinal);

        _files.LoadOnce(_mesh.Pipeline.Aside);
        Assert.Contains("\"tls\"", _mesh.Listeners, StringComparison.Ordinal);
        Assert.Empty(_mesh.Incomplete);
    }

    [Fact]
    public void A_file_that_is_not_there_is_not_waited_for()
    {
        _mesh.Store.Attend(SecretOrigin.Files);
        Change();
        _files.LoadOnce(_mesh.Pipeline.Aside);

        Assert.Contains("\"tls\"", _mesh.Listeners, StringComparison.Ordinal);
        Assert.Single(_mesh.Incomplete);
    }

    [Fact]
    public void Where_nobody_reads_files_they_are_not_waited_for()
    {
        Change();
        Assert.Contains("\"tls\"", _mesh.Listeners, StringComparison.Ordinal);
    }

    private void Change()
    {
        var file = new ConfigSource { PathConfigSource = new PathConfigSource { Path = Path.Combine(_folder, "secret.json") } };
        _mesh.Set("l", ListenerFor("l", Chain("rc", secret: "s", from: file)));
        _mesh.Quiet();
    }
}
