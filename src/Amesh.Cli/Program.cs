using System.CommandLine;
using System.Runtime.InteropServices;
using Amesh.Cli.Precheck;
using Amesh.Cli.Record;
using Amesh.Cli.Replay;
using Amesh.Cli.Translate;
using Amesh.Xds;

namespace Amesh.Cli;

/// <summary>The program <c>amesh</c>: one command per file.</summary>
internal static class Program
{
    // As a shell tells that a program was ended by Ctrl-C.
    private const int Interrupted = 130;

    public static async Task<int> Main(string[] args)
    {
        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            // The first one asks to finish what is open, such as a recording; the second one does not ask.
            signal.Cancel = !stop.IsCancellationRequested;
            _ = stop.CancelAsync();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return await RunAsync(args, Console.Out, Console.Error, stop.Token);
    }

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors, CancellationToken ct = default)
    {
        var root = new RootCommand("Amesh: Apache APISIX as the data plane of a service mesh.")
        {
            TranslateCommand.Create(),
            ReplayCommand.Create(),
            RecordCommand.Create(),
            PrecheckCommand.Create(),
        };
        try
        {
            return await root.Parse(args).InvokeAsync(new InvocationConfiguration { Output = output, Error = errors, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, ct);
        }
        catch (Exception e) when (e is SourceException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            await errors.WriteLineAsync($"amesh: {e.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return Interrupted;
        }
    }
}
