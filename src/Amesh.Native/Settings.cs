using Amesh.Grpc;
using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Envoy.Config.Core.V3;
using Microsoft.Extensions.Logging;

namespace Amesh.Native;

/// <summary>What the options come to together with the environment, whose variables stand in for what is not given.</summary>
/// <exception cref="StartException">From each member: what it is made of is missing or wrong.</exception>
internal sealed class Settings(StartOptions options)
{
    private readonly Dictionary<string, string> _environment = EnvironmentOf(options);

    /// <summary>What is less than this is not logged.</summary>
    public LogLevel LogLevel
    {
        get
        {
            string name = Option(options.LogLevel, "AMESH_LOG_LEVEL");
            return name.Length == 0 ? LogLevel.Information
                : NginxLog.LevelOf(name) ?? throw new StartException($"log level '{name}': use debug, info, notice, warn or error");
        }
    }

    /// <summary>How the control plane is spoken with.</summary>
    public AdsProtocol Protocol => Option(options.Protocol, "AMESH_PROTOCOL") switch
    {
        "" or "delta" => AdsProtocol.Delta,
        "sotw" => AdsProtocol.Sotw,
        { } name => throw new StartException($"protocol '{name}': use delta or sotw"),
    };

    /// <summary>Where the configuration comes from.</summary>
    public string Source => NullIfEmpty(Option(options.Source, "AMESH_SOURCE"))
        ?? throw new StartException("no source of configuration: set AMESH_SOURCE, or source in the options, for example to grpc://istiod.istio-system:15010");

    /// <summary>See <see cref="StartOptions.Sds"/>; empty where nothing is said.</summary>
    public string Sds => Option(options.Sds, "AMESH_SDS");

    /// <summary>A bootstrap file of Envoy; null for none.</summary>
    public string? Bootstrap => options.Bootstrap ?? _environment.GetValueOrDefault("AMESH_BOOTSTRAP");

    /// <summary>A file that keeps the last good state; null for none.</summary>
    public string? StateFile => NullIfEmpty(Option(options.StateFile, "AMESH_STATE_FILE"));

    /// <summary>Who the library says that it is.</summary>
    public Node Node()
    {
        if (options.Node is { } node)
        {
            return NodeIdentity.FromJson(node.ToJsonString(), "options: node");
        }

        return Bootstrap is { Length: > 0 } bootstrap ? NodeIdentity.FromBootstrap(bootstrap) : NodeIdentity.FromEnvironment(_environment);
    }

    /// <summary>How TLS is spoken with the control plane, where it is.</summary>
    public GrpcTlsOptions Tls()
    {
        var tls = new GrpcTlsOptions
        {
            ServerName = NullIfEmpty(Option(options.ServerName, "AMESH_SERVER_NAME")),
            CaFile = NullIfEmpty(Option(options.Ca, "AMESH_CA")),
            CertificateFile = NullIfEmpty(Option(options.Cert, "AMESH_CERT")),
            KeyFile = NullIfEmpty(Option(options.Key, "AMESH_KEY")),
        };
        return (tls.CertificateFile is null) == (tls.KeyFile is null)
            ? tls
            : throw new StartException("a client certificate needs its key and the key its certificate: set both AMESH_CERT and AMESH_KEY");
    }

    private string Option(string? given, string variable) => given ?? _environment.GetValueOrDefault(variable) ?? "";

    private static Dictionary<string, string> EnvironmentOf(StartOptions options)
    {
        var environment = new Dictionary<string, string>();
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        foreach ((string name, string value) in options.Environment ?? [])
        {
            environment[name] = value;
        }

        return environment;
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
