using System.Diagnostics;
using System.Globalization;

namespace Amesh.Harness.Processes;

/// <summary>A program that runs beside the harness, its output in a file; ended politely, then firmly, when disposed.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _copying;
    private readonly string _name;

    private ChildProcess(string name, Process process, string logFile)
    {
        _name = name;
        _process = process;
        LogFile = logFile;
        _copying = CopyAsync(process, logFile);
    }

    /// <summary>Where its output and error output go.</summary>
    public string LogFile { get; }

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>True once it ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program.</summary>
    public static ChildProcess Start(string name, string logFile, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        // What the harness itself was told (AMESH_LIBRARY and the like) is not for its children, unless it says so.
        foreach (var own in start.Environment.Keys.Where(static key => key.StartsWith("AMESH_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(own);
        }
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }
        var process = Process.Start(start) ?? throw new HarnessException($"{name}: could not be started");
        process.StandardInput.Close();
        return new ChildProcess(name, process, logFile);
    }

    /// <summary>Throws with the end of its output when it has ended already.</summary>
    public void ThrowIfExited()
    {
        if (_process.HasExited)
        {
            throw new HarnessException($"{_name} ended with exit code {_process.ExitCode}:\n{Tail()}");
        }
    }

    /// <summary>The last lines of its output.</summary>
    public string Tail(int lines = 15) => File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(lines)) : "";

    /// <summary>Sends it a signal by name (<c>HUP</c>).</summary>
    public void Signal(string signal) => Network.Shell.Try("kill", "-" + signal, Id.ToString(CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Signal("TERM");
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
        await _copying.WaitAsync(TimeSpan.FromSeconds(1)).ContinueWith(static _ => { }, TaskScheduler.Default);
        _process.Dispose();
    }

    private static async Task CopyAsync(Process process, string logFile)
    {
        await using var log = new FileStream(logFile, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        using var gate = new SemaphoreSlim(1);
        async Task Copy(StreamReader from)
        {
            while (await from.ReadLineAsync() is { } line)
            {
                await gate.WaitAsync();
                await log.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line + "\n"));
                await log.FlushAsync();
                gate.Release();
            }
        }
        await Task.WhenAll(Copy(process.StandardOutput), Copy(process.StandardError));
    }
}
