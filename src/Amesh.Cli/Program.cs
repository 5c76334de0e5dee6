using System.CommandLine;
using Amesh.Cli.Precheck;
using Amesh.Cli.Record;
using Amesh.Cli.Replay;
using Amesh.Cli.Translate;
using Amesh.Xds;

namespace Amesh.Cli;

/// <summary>The program <c>amesh</c>: one command per file.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => RunAsync(args, Console.Out, Console.Error);

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
            return await root.Parse(args).InvokeAsync(new InvocationConfiguration { Output = output, Error = errors, EnableDefaultExceptionHandler = false }, ct);
        }
        catch (Exception e) when (e is SourceException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            await errors.WriteLineAsync($"amesh: {e.Message.ReplaceLineEndings(" ")}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
    }
}
