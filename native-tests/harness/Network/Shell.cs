using System.Diagnostics;

namespace Amesh.Harness.Network;

/// <summary>Runs a command to its end.</summary>
internal static class Shell
{
    /// <summary>Standard output of a command; throws with its error output when it fails.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (code, output, error) = Try(program, arguments);
        return code == 0 ? output : throw new HarnessException($"{program} {string.Join(' ', arguments)}: exit code {code}: {error.Trim()}");
    }

    /// <summary>Exit code, output and error output of a command; 127 when there is no such program.</summary>
    public static (int Code, string Output, string Error) Try(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (127, "", e.Message);
        }
    }
}
