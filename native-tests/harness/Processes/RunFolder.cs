using System.Globalization;

namespace Amesh.Harness.Processes;

/// <summary>A folder for one run's configuration and logs, readable by the proxy's user; removed when all went well.</summary>
internal sealed class RunFolder : IDisposable
{
    private int _count;

    private const string Prefix = "amesh-harness-";

    public RunFolder()
    {
        RemoveStale();
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), Prefix + Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(Path);
        File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>A new folder in it.</summary>
    public string Next(string name)
    {
        var path = System.IO.Path.Combine(Path, $"{++_count:00}-{name}");
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>Set to keep the folder for whoever wants to look.</summary>
    public bool Keep { get; set; } = Environment.GetEnvironmentVariable("AMESH_KEEP") == "1";

    /// <summary>Removes what runs left behind that were killed.</summary>
    private static void RemoveStale()
    {
        foreach (var folder in Directory.GetDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
        {
            if (!Directory.Exists("/proc/" + System.IO.Path.GetFileName(folder)[Prefix.Length..]))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    public void Dispose()
    {
        if (!Keep)
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
