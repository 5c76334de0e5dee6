using System.CommandLine;
using Amesh.Grpc;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Envoy.Config.Core.V3;

namespace Amesh.Cli.Record;

/// <summary><c>amesh record</c>: connects as a proxy does and writes down what comes.</summary>
internal static class RecordCommand
{
    private static readonly Argument<string> Folder = new("DIR") { Description = "The folder to write; made if it is not there." };
    private static readonly Option<string> Server = new("--server") { Description = "The control plane: grpc://host:port, grpcs://host:port or unix:/path.", Required = true };
    private static readonly Option<bool> Sotw = new("--sotw") { Description = "Record SotW." };
    private static readonly Option<bool> Delta = new("--delta") { Description = "Record Delta (the default)." };
    private static readonly Option<bool> KeepKeys = new("--keep-private-keys") { Description = "Leave private keys and passwords in." };
    private static readonly Option<TimeSpan?> Silence = new("--silence") { Description = "How long the stream must be silent for a step to end; 1s.", CustomParser = Duration.Parse };
    private static readonly Option<TimeSpan?> For = new("--for") { Description = "Stop after so long; otherwise at Ctrl-C.", CustomParser = Duration.Parse };

    public static Command Create()
    {
        var command = new Command("record", "Write what a control plane sends as a recording, to be replayed elsewhere.")
        {
            Folder, Server, Sotw, Delta, KeepKeys, Silence, For,
        };
        ConnectionOptions.AddTo(command);
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
        Uri uri = ConnectionOptions.ControlPlane(server);
        GrpcTlsOptions? tls = ConnectionOptions.Tls(arguments, uri);
        Node node = ConnectionOptions.Node(arguments);
        using var writer = new RecordingWriter(arguments.GetValue(Folder)!, node, arguments.GetValue(KeepKeys), arguments.GetValue(Silence) ?? TimeSpan.FromSeconds(1));
        var options = new AdsClientOptions
        {
            Address = uri,
            Node = node,
            Protocol = arguments.GetValue(Sotw) ? AdsProtocol.Sotw : AdsProtocol.Delta,
            Headers = ConnectionOptions.Headers(arguments),
            Tls = tls,
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
}
