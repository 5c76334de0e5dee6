using System.CommandLine;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;

namespace Amesh.Cli.Replay;

/// <summary><c>amesh replay</c>: a recording served as a control plane.</summary>
internal static class ReplayCommand
{
    private static readonly Argument<string> Folder = new("DIR") { Description = "The folder of the recording." };
    private static readonly Option<int?> Port = new("--port") { Description = "TCP port for gRPC; 0 = any free one. 15010 unless --unix is given." };
    private static readonly Option<string> Bind = new("--bind") { Description = "Address to listen on.", DefaultValueFactory = _ => "127.0.0.1" };
    private static readonly Option<string?> Unix = new("--unix") { Description = "Path of a Unix socket for gRPC." };
    private static readonly Option<string?> First = new("--step") { Description = "The step to begin with." };
    private static readonly Option<TimeSpan?> Timer = new("--timer") { Description = "Go to the next step every so often, such as 5s.", CustomParser = Duration.Parse };
    private static readonly Option<int?> Http = new("--http") { Description = "Port for POST /next, POST /step/NAME and GET /state; 0 = any free one." };
    private static readonly Option<AdsProtocol> From = new("--from") { Description = "Which stream tells the state where both were recorded.", DefaultValueFactory = _ => AdsProtocol.Sotw };
    private static readonly Option<AdsProtocol?> Only = new("--only") { Description = "Serve one protocol alone; the other answers Unimplemented." };
    private static readonly Option<bool> Quiet = new("--quiet") { Description = "Print steps and refusals only." };

    public static Command Create()
    {
        var command = new Command("replay", "Serve a recording as a control plane, SotW and Delta, from step to step by key, timer or HTTP.")
        {
            Folder, Port, Bind, Unix, First, Timer, Http, From, Only, Quiet,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken ct)
    {
        TextWriter output = TextWriter.Synchronized(arguments.InvocationConfiguration.Output);
        Recording recording = Recording.Open(arguments.GetValue(Folder)!);
        bool quiet = arguments.GetValue(Quiet);
        var server = new ReplayServer(RecordedState.AtEachStep(recording, arguments.GetValue(From)), new ReplayServerOptions
        {
            Addresses = Addresses(arguments),
            HttpAddress = arguments.GetValue(Http) is { } port ? new Uri($"http://{arguments.GetValue(Bind)}:{port}") : null,
            Protocols = arguments.GetValue(Only) is { } only ? [only] : [AdsProtocol.Sotw, AdsProtocol.Delta],
            FirstStep = arguments.GetValue(First) is { } step ? recording.IndexOf(step) : 0,
            Log = happened =>
            {
                if (!quiet || happened.Kind == ReplayEventKind.Nack)
                {
                    output.WriteLine(happened);
                }
            },
        });
        await using (server)
        {
            await server.StartAsync();
            foreach (Uri address in server.Addresses)
            {
                output.WriteLine($"serving {recording.Directory} at {(address.Scheme == "unix" ? address : $"grpc://{address.Authority}")}");
            }

            if (server.HttpAddress is { } http)
            {
                output.WriteLine($"control at {http}");
            }

            TellStep(server, output);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            try
            {
                await Task.WhenAll(TimerAsync(server, arguments.GetValue(Timer), output, stop.Token), KeysAsync(server, output, stop));
            }
            catch (OperationCanceledException)
            {
                // The usual end.
            }
        }

        return 0;
    }

    private static List<Uri> Addresses(ParseResult arguments)
    {
        var addresses = new List<Uri>();
        string? unix = arguments.GetValue(Unix);
        int? port = arguments.GetValue(Port) ?? (unix is null ? 15010 : null);
        if (port is not null)
        {
            string text = $"http://{arguments.GetValue(Bind)}:{port}";
            addresses.Add(port is >= 0 and < 65536 && Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) ? uri : throw new SourceException($"{text}: not an address to listen on"));
        }

        if (unix is not null)
        {
            addresses.Add(new Uri("unix:" + Path.GetFullPath(unix)));
        }

        return addresses;
    }

    private static void TellStep(ReplayServer server, TextWriter output) =>
        output.WriteLine($"step {server.Current.Index + 1} of {server.Steps.Count}: {server.Current.Name}");

    private static async Task TimerAsync(ReplayServer server, TimeSpan? interval, TextWriter output, CancellationToken ct)
    {
        while (interval is { } pause)
        {
            await Task.Delay(pause, ct);
            if (!server.MoveBy(+1))
            {
                break;
            }

            TellStep(server, output);
        }

        await Task.Delay(Timeout.Infinite, ct);
    }

    private static async Task KeysAsync(ReplayServer server, TextWriter output, CancellationTokenSource stop)
    {
        if (Console.IsInputRedirected)
        {
            return;
        }

        output.WriteLine("keys: n or Enter next step, b back, s state, q quit");
        while (true)
        {
            while (!Console.KeyAvailable)
            {
                await Task.Delay(50, stop.Token);
            }

            switch (Console.ReadKey(intercept: true).Key)
            {
                case ConsoleKey.N or ConsoleKey.Enter or ConsoleKey.Spacebar or ConsoleKey.RightArrow:
                    output.WriteLine(server.MoveBy(+1) ? "" : "that was the last step");
                    TellStep(server, output);
                    break;
                case ConsoleKey.B or ConsoleKey.LeftArrow:
                    output.WriteLine(server.MoveBy(-1) ? "" : "that was the first step");
                    TellStep(server, output);
                    break;
                case ConsoleKey.S:
                    output.Write(ReplayStateJson.Write(server));
                    break;
                case ConsoleKey.Q:
                    await stop.CancelAsync();
                    return;
            }
        }
    }
}
