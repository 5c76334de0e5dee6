using System.Diagnostics;

namespace Amesh.Protos.Tests;

/// <summary>Runs a script of native-tests/protos, whose packages it installs when they are not there.</summary>
internal static class NodeScript
{
    private static readonly string _folder = Path.Combine(Repository.Root, "native-tests", "protos");

    public static string Run(string script, string input)
    {
        if (!Directory.Exists(Path.Combine(_folder, "node_modules", "@grpc", "grpc-js-xds")))
        {
            Execute("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], "");
        }
        return Execute("node", [script], input);
    }

    private static string Execute(string program, string[] arguments, string input)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} in {_folder}: exit code {process.ExitCode}\n{error.Result}");
    }
}
