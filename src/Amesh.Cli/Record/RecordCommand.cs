using System.CommandLine;
using Amesh.Grpc;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Amesh.Xds.Recordings;
using Amesh.Xds.Sources;
using Envoy.Config.Core.V3;

namespace Amesh.Cli.Record;

/// <summary><c>amesh record</c>: connects as a proxy does and writes down what comes.</summary>
internal static class RecordCommand
{
    private static readonly Argument<string> Folder = new("DIR") { Description = "The folder to write; made if it is not there." };
    private static readonly Option<string> Server = new("--server") { Description = "The control plane: grpc://host:port, grpcs://host:port or unix:/path.", Required = true };
    private static readonly Option<bool> Sotw = new("--sotw") { Description = "Record SotW." };
    private static readonly Option<bool> Delta = new("--delta") { Description = "Record Delta (the default)." };
    private static readonly Option<string?> NodeFile = new("--node") { Description = "Who to be: node.json, or an Envoy bootstrap. Otherwise the environment of an Istio proxy tells." };
    private static readonly Option<bool> KeepKeys = new("--keep-private-keys") { Description = "Leave private keys and passwords in." };
    private static readonly Option<TimeSpan?> Silence = new("--silence") { Description = "How long the stream must be silent for a step to end; 1s.", CustomParser = Duration.Parse };
    private static readonly Option<TimeSpan?> For = new("--for") { Description = "Stop after so long; otherwise at Ctrl-C.", CustomParser = Duration.Parse };
    private static readonly Option<string[]> Header = new("--header") { Description = "Metadata as name:value; @/path as value reads a file. May be repeated." };
    private static readonly Option<string?> Ca = new("--ca") { Description = "Certificate authorities to trust, PEM." };
    private static readonly Option<string?> Certificate = new("--cert") { Description = "Client certificate, PEM." };
    private static readonly Option<string?> Key = new("--key") { Description = "Its private key, PEM." };
    private static readonly Option<string?> ServerName = new("--server-name") { Description = "The name that the server's certificate must have." };

    public static Command Create()
    {
        var command = new Command("record", "Write what a control plane sends as a recording, to be replayed elsewhere.")
        {
            Folder, Server, Sotw, Delta, NodeFile, KeepKeys, Silence, For, Header, Ca, Certificate, Key, ServerName,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Sotw) && result.GetValue(Delta))
            {
                result.AddError("--sotw and --delta exclude each other: record twice");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken ct)
    {
        TextWriter output = arguments.InvocationConfiguration.Output;
        string server = arguments.GetValue(Server)!;
        SourceAddress address = SourceAddress.Parse(server);
        if (address.Uri is not { } uri)
        {
            throw new SourceException($"{server}: not a control plane; it must be grpc://, grpcs:// or unix:");
        }

        Node node = NodeOf(arguments.GetValue(NodeFile));
        using var writer = new RecordingWriter(arguments.GetValue(Folder)!, node, arguments.GetValue(KeepKeys), arguments.GetValue(Silence) ?? TimeSpan.FromSeconds(1));
        var options = new AdsClientOptions
        {
            Address = uri,
            Node = node,
            Protocol = arguments.GetValue(Sotw) ? AdsProtocol.Sotw : AdsProtocol.Delta,
            Headers = [.. (arguments.GetValue(Header) ?? []).Select(HeaderOf)],
            Tls = TlsOf(arguments),
            Observer = writer,
        };
        var client = new AdsClient(options, new ConsoleLog(arguments.InvocationConfiguration.Error));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (arguments.GetValue(For) is { } time)
        {
            stop.CancelAfter(time);
        }

        output.WriteLine($"recording {server} as {node.Id}; Ctrl-C ends it");
        string? told = null;
        var follower = new ResourceFollower(() =>
        {
            if (told != writer.Step)
            {
                output.WriteLine($"step {told = writer.Step}");
            }
        });
        try
        {
            await client.RunAsync(follower, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The usual end.
        }

        AdsStatus status = client.Status;
        output.WriteLine($"{writer.Responses} responses of {status.Protocol} in {arguments.GetValue(Folder)}");
        return writer.Responses > 0 ? 0 : throw new SourceException($"{server}: nothing was received: {status.LastError ?? "the control plane sent nothing"}");
    }

    private static Node NodeOf(string? file)
    {
        if (file is null)
        {
            return NodeIdentity.FromEnvironment(Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
                .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""));
        }

        string text = File.ReadAllText(file);
        return text.Contains("static_resources") || text.Contains("staticResources") || text.Contains("dynamic_resources") || text.Contains("dynamicResources")
            ? NodeIdentity.FromBootstrap(file)
            : NodeIdentity.FromJson(text, file);
    }

    private static KeyValuePair<string, string> HeaderOf(string text)
    {
        int colon = text.IndexOf(':');
        return colon > 0 ? new(text[..colon].Trim().ToLowerInvariant(), text[(colon + 1)..].Trim()) : throw new SourceException($"--header {text}: write name:value");
    }

    private static GrpcTlsOptions? TlsOf(ParseResult arguments) =>
        new[] { Ca, Certificate, Key, ServerName }.All(option => arguments.GetValue(option) is null)
            ? null
            : new GrpcTlsOptions
            {
                CaFile = arguments.GetValue(Ca),
                CertificateFile = arguments.GetValue(Certificate),
                KeyFile = arguments.GetValue(Key),
                ServerName = arguments.GetValue(ServerName),
            };
}
