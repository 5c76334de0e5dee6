using System.CommandLine;
using System.Text.Json.Nodes;
using Amesh.Cli.Record;
using Amesh.Dns;
using Amesh.Translation;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Secrets;
using Amesh.Xds.Sources;

namespace Amesh.Cli.Translate;

/// <summary><c>amesh translate</c>: what Amesh makes of a mesh, without a gateway.</summary>
internal static class TranslateCommand
{
    private static readonly Option<string?> FromRecording = new("--recording") { Description = "A recorded stream: the folder that amesh record wrote." };
    private static readonly Option<string?> Step = new("--step") { Description = "With --recording: stop after this step; otherwise after the last." };
    private static readonly Option<string?> FromFiles = new("--files") { Description = "A folder of DiscoveryResponse or resource files, JSON or YAML." };
    private static readonly Option<string?> FromServer = new("--server") { Description = "A control plane: grpc://host:port, grpcs://host:port or unix:/path." };
    private static readonly Option<string?> Dns = new("--dns") { Description = "A file like /etc/hosts: what the names of endpoints stand for. Without it they stay names; nothing is ever looked up." };
    private static readonly Option<bool> Sotw = new("--sotw") { Description = "Use SotW; otherwise Delta." };
    private static readonly Option<bool> Yaml = new("--yaml") { Description = "Write YAML; otherwise JSON." };

    public static Command Create()
    {
        var command = new Command("translate", "Show the APISIX objects that a mesh comes to, and what is done otherwise than Envoy does it.")
        {
            FromRecording, Step, FromFiles, FromServer, Dns, Sotw, Yaml,
        };
        ConnectionOptions.AddTo(command);
        command.Validators.Add(result =>
        {
            if (new[] { FromRecording, FromFiles, FromServer }.Count(option => result.GetValue(option) is not null) != 1)
            {
                result.AddError("give one of --recording DIR, --files DIR and --server URL");
            }

            if (result.GetValue(Step) is not null && result.GetValue(FromRecording) is null)
            {
                result.AddError("--step goes with --recording");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken ct)
    {
        TextWriter errors = arguments.InvocationConfiguration.Error;
        var sink = new FirstCommit();
        INameResolver? names = arguments.GetValue(Dns) is { } hosts ? new FixedNames(HostsFile.Parse(await File.ReadAllLinesAsync(hosts, ct))) : null;
        using var pipeline = new Pipeline(sink, errors.WriteLine, names);
        var refusals = new Refusals(pipeline, errors);
        AdsProtocol protocol = arguments.GetValue(Sotw) ? AdsProtocol.Sotw : AdsProtocol.Delta;
        bool complete = true;
        if (arguments.GetValue(FromRecording) is { } recording)
        {
            var options = new RecordingSourceOptions { Protocol = protocol, LastStep = arguments.GetValue(Step) };
            await new RecordingSource(recording, options).RunAsync(refusals, ct);
        }
        else if (arguments.GetValue(FromFiles) is { } folder)
        {
            complete = new FileSource(folder, null, new ConsoleLog(errors)).LoadOnce(refusals).Count == 0;
        }
        else
        {
            await ConnectAsync(arguments, protocol, refusals, sink, ct);
        }

        using (var files = new SecretFiles(null, new ConsoleLog(errors)))
        {
            files.LoadOnce(refusals);
        }

        // A mesh that names what has not come is shown as it is.
        pipeline.TakeAsItIs();
        JsonObject document = TranslationDocument.Of(pipeline.Translator);
        if (arguments.GetValue(Yaml))
        {
            TranslationDocument.WriteYaml(document, arguments.InvocationConfiguration.Output);
        }
        else
        {
            TranslationDocument.WriteJson(document, arguments.InvocationConfiguration.Output);
        }

        foreach (string missing in pipeline.Store.Missing)
        {
            errors.WriteLine($"amesh: named but not there: {missing}");
        }

        return complete && refusals.Count == 0 ? 0 : 1;
    }

    private static async Task ConnectAsync(
        ParseResult arguments, AdsProtocol protocol, IResourceHandler handler, FirstCommit sink, CancellationToken ct)
    {
        string server = arguments.GetValue(FromServer)!;
        Uri uri = ConnectionOptions.ControlPlane(server);
        var options = new AdsClientOptions
        {
            Address = uri,
            Node = ConnectionOptions.Node(arguments),
            Protocol = protocol,
            Headers = ConnectionOptions.Headers(arguments),
            Tls = ConnectionOptions.Tls(arguments, uri),
        };
        var client = new AdsClient(options, new ConsoleLog(arguments.InvocationConfiguration.Error));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task running = client.RunAsync(handler, stop.Token);
        Task deadline = Task.Delay(Pipeline.FirstCommitDeadline * 2, ct);
        Task first = await Task.WhenAny(sink.Done, running, deadline);
        await stop.CancelAsync();
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }

        ct.ThrowIfCancellationRequested();
        if (first == deadline)
        {
            throw new SourceException($"{server}: no mesh has come: {client.Status.LastError ?? "the control plane sent nothing"}");
        }
    }

    /// <summary>Knows when the mesh is there.</summary>
    private sealed class FirstCommit : IConfigSink
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        public void Commit(ChangeSet changes) => _done.TrySetResult();
    }

    /// <summary>Says which resources were refused and why, one line each.</summary>
    private sealed class Refusals(IResourceHandler inner, TextWriter errors) : IResourceHandler
    {
        public int Count { get; private set; }

        public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update)
        {
            IReadOnlyList<RejectedResource> rejected = inner.Apply(update);
            foreach (RejectedResource resource in rejected)
            {
                errors.WriteLine($"amesh: {update.TypeUrl} {resource.Name}: {resource.Reason.ReplaceLineEndings(" ")}");
            }

            Count += rejected.Count;
            return rejected;
        }

        public IReadOnlyCollection<string> Wanted(string typeUrl) => inner.Wanted(typeUrl);

        public void Quiet() => inner.Quiet();

        public IReadOnlyDictionary<string, string> Versions(string typeUrl) => inner.Versions(typeUrl);
    }
}
