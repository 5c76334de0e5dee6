using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Amesh.Grpc.Tests;

/// <summary>A node child with a script of native-tests/control-plane. It ends when its standard input does, so also when the tests are killed.</summary>
internal sealed class NodeProcess : IDisposable
{
    private static readonly Lazy<string> Folder = new(Install);
    private readonly Process _process;

    private NodeProcess(Process process) => _process = process;

    public int Port { get; private set; }

    /// <summary>Starts a server and waits for its line "listening PORT".</summary>
    public static async Task<NodeProcess> ServeAsync(string script, params string[] arguments)
    {
        NodeProcess node = new(Start(script, arguments));
        string? line = await node._process.StandardOutput.ReadLineAsync();
        if (line?.Split(' ') is not ["listening", var port, ..])
        {
            string error = await node._process.StandardError.ReadToEndAsync();
            node.Dispose();
            throw new InvalidOperationException($"{script} said '{line}' instead of 'listening PORT': {error}");
        }
        // What a child says later is for people; a full pipe would stop it.
        node._process.ErrorDataReceived += static (_, _) => { };
        node._process.BeginErrorReadLine();
        node.Port = int.TryParse(port, out int number) ? number : 0;
        return node;
    }

    /// <summary>Runs a script to its end and returns what it printed.</summary>
    public static async Task<string> RunAsync(string script, params string[] arguments)
    {
        using Process process = Start(script, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"{script} ended with {process.ExitCode}: {output} {await error}");
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }
        _process.Dispose();
    }

    /// <summary>A recording in samples/.</summary>
    public static string Sample(string name) => Path.GetFullPath(Path.Combine(ThisFolder(), "../../samples", name));

    private static Process Start(string script, string[] arguments) => Process.Start(new ProcessStartInfo("node", [script, .. arguments])
    {
        WorkingDirectory = Folder.Value,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private static string Install() => InstallIn(Path.GetFullPath(Path.Combine(ThisFolder(), "../../native-tests/control-plane")));

    private static string InstallIn(string folder)
    {
        if (!Directory.Exists(Path.Combine(folder, "node_modules/@grpc/grpc-js")))
        {
            using Process npm = Process.Start(new ProcessStartInfo("npm", ["ci", "--no-audit", "--no-fund"]) { WorkingDirectory = folder })!;
            npm.WaitForExit();
            if (npm.ExitCode != 0)
            {
                throw new InvalidOperationException($"'npm ci' in {folder} failed with {npm.ExitCode}");
            }
        }
        return folder;
    }

    private static string ThisFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
