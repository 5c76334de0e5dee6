using System.CommandLine;
using Amesh.Grpc;
using Amesh.Xds;
using Amesh.Xds.Nodes;
using Amesh.Xds.Sources;
using Envoy.Config.Core.V3;

namespace Amesh.Cli;

/// <summary>The options of every command that connects to a control plane: who to be, and how to be let in.</summary>
internal static class ConnectionOptions
{
    private static readonly Option<string?> NodeFile = new("--node") { Description = "Who to be: node.json, or an Envoy bootstrap. Otherwise the environment of an Istio proxy tells." };
    private static readonly Option<string[]> Header = new("--header") { Description = "Metadata as name:value. May be repeated." };
    private static readonly Option<string?> Ca = new("--ca") { Description = "Certificate authorities to trust, PEM." };
    private static readonly Option<string?> Certificate = new("--cert") { Description = "Client certificate, PEM." };
    private static readonly Option<string?> Key = new("--key") { Description = "Its private key, PEM." };
    private static readonly Option<string?> ServerName = new("--server-name") { Description = "The name that the server's certificate must have." };

    public static void AddTo(Command command)
    {
        foreach (Option option in new Option[] { NodeFile, Header, Ca, Certificate, Key, ServerName })
        {
            command.Add(option);
        }
    }

    public static Node Node(ParseResult arguments)
    {
        if (arguments.GetValue(NodeFile) is not { } file)
        {
            return NodeIdentity.FromEnvironment(Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
                .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""));
        }

        string text = File.ReadAllText(file);
        return text.Contains("static_resources") || text.Contains("staticResources") || text.Contains("dynamic_resources") || text.Contains("dynamicResources")
            ? NodeIdentity.FromBootstrap(file)
            : NodeIdentity.FromJson(text, file);
    }

    public static IReadOnlyList<KeyValuePair<string, string>> Headers(ParseResult arguments) =>
        [.. (arguments.GetValue(Header) ?? []).Select(HeaderOf)];

    /// <summary>The address of a control plane.</summary>
    /// <exception cref="SourceException">It is of something else, or of nothing.</exception>
    public static Uri ControlPlane(string server) =>
        SourceAddress.Parse(server).Uri ?? throw new SourceException($"{server}: not a control plane; it must be grpc://, grpcs:// or unix:");

    /// <summary>The options of TLS; null where none is given.</summary>
    /// <exception cref="SourceException">They do not go together, or not with the server.</exception>
    public static GrpcTlsOptions? Tls(ParseResult arguments, Uri server)
    {
        if (new[] { Ca, Certificate, Key, ServerName }.All(option => arguments.GetValue(option) is null))
        {
            return null;
        }

        if (server.Scheme == "http")
        {
            throw new SourceException($"grpc://{server.Authority} is without TLS, but options of TLS are given: write grpcs:// or leave them out");
        }

        if ((arguments.GetValue(Certificate) is null) != (arguments.GetValue(Key) is null))
        {
            throw new SourceException("--cert and --key go together");
        }

        return new GrpcTlsOptions
        {
            CaFile = arguments.GetValue(Ca),
            CertificateFile = arguments.GetValue(Certificate),
            KeyFile = arguments.GetValue(Key),
            ServerName = arguments.GetValue(ServerName),
        };
    }

    private static KeyValuePair<string, string> HeaderOf(string text)
    {
        int colon = text.IndexOf(':');
        return colon > 0 ? new(text[..colon].Trim().ToLowerInvariant(), text[(colon + 1)..].Trim()) : throw new SourceException($"--header {text}: write name:value");
    }
}
