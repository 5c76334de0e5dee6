using System.Text;
using Amesh.Apisix;
using Amesh.Xds;
using Amesh.Xds.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Filter = Envoy.Config.Listener.V3.Filter;
using Listener = Envoy.Config.Listener.V3.Listener;
using Route = Envoy.Config.Route.V3.Route;
using VirtualHost = Envoy.Config.Route.V3.VirtualHost;

namespace Amesh.Translation.Tests.Secrets;

/// <summary>Secrets that are kept in files: read, read again when they change, and kept when they go bad.</summary>
public sealed class SecretFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("amesh-secrets-").FullName;
    private readonly Commits _commits = new();
    private readonly Pipeline _pipeline;
    private readonly SecretFiles _files = new();

    public SecretFilesTests() => _pipeline = new Pipeline(_commits);

    [Fact]
    public void A_certificate_in_files_that_a_cluster_names_is_read_and_read_again_when_both_files_have_changed()
    {
        (string certificate, string key) = Write();
        Give(new CommonTlsContext { TlsCertificates = { new TlsCertificate { CertificateChain = File("cert.pem"), PrivateKey = File("key.pem") } } });
        AssertSecret(certificate, key);

        (string secondCertificate, string secondKey) = Pems.Pair();
        System.IO.File.WriteAllText(PathOf("cert.pem"), secondCertificate + "\n\n");
        _pipeline.Reread();
        AssertSecret(certificate, key);
        System.IO.File.WriteAllText(PathOf("key.pem"), secondKey + "\n\n");
        _pipeline.Reread();
        _commits.Last = null;
        _pipeline.Reread();

        AssertSecret(secondCertificate + "\n\n", secondKey + "\n\n");
        Assert.Equal(ObjectKind.Secret, Assert.Single(_commits.Last!.Set).Key.Kind);
        _commits.Last = null;
        _pipeline.Reread();
        Assert.Null(_commits.Last);
    }

    [Fact]
    public void Files_that_change_amid_a_push_wait_for_its_end()
    {
        Write();
        Give(new CommonTlsContext { TlsCertificates = { new TlsCertificate { CertificateChain = File("cert.pem"), PrivateKey = File("key.pem") } } });
        (string certificate, string key) = Pems.Pair();
        System.IO.File.WriteAllText(PathOf("cert.pem"), certificate + "\n\n");
        System.IO.File.WriteAllText(PathOf("key.pem"), key + "\n\n");
        _pipeline.Reread();

        _pipeline.Apply(new DiscoveryUpdate(TypeUrls.Cluster, "2", [new DiscoveryResource("half", "2", new Cluster { Name = "half" }.ToByteArray())], [], false));
        _commits.Last = null;
        _pipeline.Reread();
        Assert.Null(_commits.Last);

        _pipeline.Quiet();
        _pipeline.Reread();
        AssertSecret(certificate + "\n\n", key + "\n\n");
    }

    [Fact]
    public void A_name_of_Istios_that_says_files_is_read_from_them()
    {
        (string certificate, string key) = Write();
        Give(new CommonTlsContext
        {
            TlsCertificateSdsSecretConfigs = { Sds($"file-cert:{PathOf("cert.pem")}~{PathOf("key.pem")}", new ConfigSource { ApiConfigSource = new() }) },
            ValidationContextSdsSecretConfig = Sds($"file-root:{PathOf("cert.pem")}", new ConfigSource { ApiConfigSource = new() }),
        });
        _files.LoadOnce(_pipeline.Aside);

        AssertSecret(certificate, key);
        Assert.Contains(_pipeline.Translator.Objects, o => Text(o).Contains("\"ca\"", StringComparison.Ordinal));
        Assert.Empty(_pipeline.Store.MissingSecrets);

        // The files go bad: what they last said stays.
        System.IO.File.WriteAllText(PathOf("key.pem"), "nothing");
        _pipeline.Reread();
        _pipeline.Reread();
        AssertSecret(certificate, key);
        Assert.Contains(_pipeline.Translator.Diagnostics, d => d.Message.Contains("no PEM private key", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_of_resources_is_read_and_read_again_and_a_bad_one_changes_nothing()
    {
        var config = new ConfigSource { PathConfigSource = new PathConfigSource { Path = PathOf("sds.json") } };
        Give(new CommonTlsContext { TlsCertificateSdsSecretConfigs = { Sds("mine", config) } });
        _files.LoadOnce(_pipeline.Aside);
        Assert.Equal([$"{PathOf("sds.json")} mine"], _pipeline.Store.MissingSecrets);

        (string certificate, string key) = Resource();
        _files.LoadOnce(_pipeline.Aside);
        AssertSecret(certificate, key);

        System.IO.File.WriteAllText(PathOf("sds.json"), "{");
        _files.LoadOnce(_pipeline.Aside);
        AssertSecret(certificate, key);

        (certificate, key) = Resource();
        _files.LoadOnce(_pipeline.Aside);
        AssertSecret(certificate, key);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told_and_read_when_it_comes()
    {
        Give(new CommonTlsContext { TlsCertificates = { new TlsCertificate { CertificateChain = File("cert.pem"), PrivateKey = File("key.pem") } } });
        Assert.Contains(_pipeline.Translator.Diagnostics, d => d.Severity == Severity.Refused && d.Message.Contains("cannot be read", StringComparison.Ordinal));
        Assert.DoesNotContain(_pipeline.Translator.Objects, o => o.Key.Kind == ObjectKind.Secret);

        (string certificate, string key) = Write();
        for (int i = 0; i < 3; i++)
        {
            _pipeline.Reread();
        }

        AssertSecret(certificate, key);
        Assert.DoesNotContain(_pipeline.Translator.Diagnostics, d => d.Severity == Severity.Refused);
    }

    public void Dispose()
    {
        _pipeline.Dispose();
        _files.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private DataSource File(string name) => new() { Filename = PathOf(name) };

    private static SdsSecretConfig Sds(string name, ConfigSource source) => new() { Name = name, SdsConfig = source };

    private (string Certificate, string Key) Write()
    {
        (string certificate, string key) = Pems.Pair();
        System.IO.File.WriteAllText(PathOf("cert.pem"), certificate);
        System.IO.File.WriteAllText(PathOf("key.pem"), key);
        return (certificate, key);
    }

    private (string Certificate, string Key) Resource()
    {
        (string certificate, string key) = Pems.Pair();
        static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        System.IO.File.WriteAllText(
            PathOf("sds.json"),
            "{\"resources\":[{\"@type\":\"" + TypeUrls.Secret + "\",\"name\":\"mine\",\"tls_certificate\":{\"certificate_chain\":{\"inline_bytes\":\""
            + Base64(certificate) + "\"},\"private_key\":{\"inline_bytes\":\"" + Base64(key) + "\"}}}]}");
        return (certificate, key);
    }

    private void Give(CommonTlsContext context)
    {
        var route = new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "c" } };
        var manager = new HttpConnectionManager
        {
            RouteConfig = new RouteConfiguration { VirtualHosts = { new VirtualHost { Name = "all", Domains = { "*" }, Routes = { route } } } },
        };
        Apply(TypeUrls.Cluster, new Cluster
        {
            Name = "c",
            TransportSocket = new TransportSocket { TypedConfig = Any.Pack(new UpstreamTlsContext { CommonTlsContext = context }) },
        });
        Apply(TypeUrls.Listener, new Listener
        {
            Name = "l",
            Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = 80 } },
            FilterChains = { new FilterChain { Filters = { new Filter { Name = "http", TypedConfig = Any.Pack(manager) } } } },
        });
        _pipeline.Quiet();
    }

    private void Apply(string typeUrl, IMessage message) =>
        Assert.Empty(_pipeline.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(message is Cluster ? "c" : "l", "1", message.ToByteArray())], [], false)));

    private void AssertSecret(string certificate, string key)
    {
        string[] secrets = [.. _pipeline.Translator.Objects.Where(o => o.Key.Kind == ObjectKind.Secret).Select(Text)];
        Assert.Contains(secrets, json => json.Contains(System.Text.Json.JsonEncodedText.Encode(certificate, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(), StringComparison.Ordinal)
            && json.Contains(System.Text.Json.JsonEncodedText.Encode(key, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(), StringComparison.Ordinal));
    }

    private static string Text(ConfigObject value) => Encoding.UTF8.GetString(value.Json.Span);

    private sealed class Commits : IConfigSink
    {
        public ChangeSet? Last { get; set; }

        public void Commit(ChangeSet changes) => Last = changes;
    }
}
