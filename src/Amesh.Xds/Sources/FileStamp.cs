namespace Amesh.Xds.Sources;

/// <summary>What tells that a file is another than before, without reading it.</summary>
/// <param name="Target">Where it really is.</param>
/// <param name="Written">When it was written.</param>
/// <param name="Length">Its length.</param>
public readonly record struct FileStamp(string Target, DateTime Written, long Length)
{
    /// <summary>A file's stamp now.</summary>
    /// <exception cref="IOException">It cannot be looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    /// <exception cref="ArgumentException">It is no path at all.</exception>
    public static FileStamp Of(string file)
    {
        // A ConfigMap's files are links into a folder that is a link; what that one leads to changes.
        var info = File.ResolveLinkTarget(file, returnFinalTarget: true) as FileInfo ?? new FileInfo(file);
        string? folder = info.Directory?.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        return new FileStamp(folder ?? info.FullName, info.LastWriteTimeUtc, info.Length);
    }

    /// <summary>A file's stamp now; null where there is none that could be read.</summary>
    public static FileStamp? TryOf(string file)
    {
        try
        {
            return Of(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
