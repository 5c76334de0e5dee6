using System.Diagnostics;
using System.Globalization;

namespace Amesh.Harness.Network;

/// <summary>
/// A network namespace of the harness's own (<c>amesh-PID</c>), in which client, endpoints, control plane and gateway run. Made and removed by
/// the outer process, which runs itself once more inside; what a crashed run left behind is removed before a new one is made.
/// </summary>
internal static class NetworkNamespace
{
    private const string Prefix = "amesh-";
    private const string InsideVariable = "AMESH_HARNESS_NAMESPACE";

    /// <summary>The namespace that this process runs in; null in the outer process.</summary>
    public static string? Inside => Environment.GetEnvironmentVariable(InsideVariable);

    /// <summary>Runs this program with the same arguments inside a new namespace, and returns its exit code.</summary>
    public static int RunInside(string[] arguments)
    {
        if (Environment.UserName != "root")
        {
            throw new HarnessException("this needs root: it makes a network namespace and redirects connections in it with iptables (try sudo)");
        }
        RemoveStale();
        var name = Prefix + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        Shell.Run("ip", "netns", "add", name);
        try
        {
            var start = new ProcessStartInfo("ip", ["netns", "exec", name, Environment.ProcessPath!, .. Dll(), .. arguments]);
            start.Environment[InsideVariable] = name;
            using var inside = Process.Start(start)!;
            // An interrupt reaches the inner process too (same process group); the outer one waits for it and then cleans up.
            Console.CancelKeyPress += static (_, e) => e.Cancel = true;
            using var terminate = System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGTERM, context => { context.Cancel = true; Shell.Try("kill", inside.Id.ToString(CultureInfo.InvariantCulture)); });
            inside.WaitForExit();
            return inside.ExitCode;
        }
        finally
        {
            Remove(name);
        }
    }

    /// <summary>Removes the namespaces of harness processes that are no more, with whatever still runs in them.</summary>
    public static void RemoveStale()
    {
        foreach (var line in Shell.Run("ip", "netns", "list").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = line.Split(' ')[0];
            if (name.StartsWith(Prefix, StringComparison.Ordinal)
                && int.TryParse(name[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var owner) && !Directory.Exists($"/proc/{owner}"))
            {
                Remove(name);
            }
        }
    }

    private static string[] Dll() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(NetworkNamespace).Assembly.Location] : [];

    private static void Remove(string name)
    {
        for (var round = 0; round < 50; round++)
        {
            var processes = Shell.Try("ip", "netns", "pids", name).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (processes.Length == 0)
            {
                break;
            }
            Shell.Try("kill", [round < 20 ? "-TERM" : "-KILL", .. processes]);
            Thread.Sleep(100);
        }
        Shell.Try("ip", "netns", "delete", name);
    }
}
