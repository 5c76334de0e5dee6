using System.Globalization;

namespace Amesh.Harness.Processes;

/// <summary>A folder for one run's configuration and logs, readable by the proxy's user; removed when all went well.</summary>
internal sealed class RunFolder : IDisposable
{
    private int _count;

    public RunFolder()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "amesh-harness-" + Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
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

    public void Dispose()
    {
        if (!Keep)
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
