namespace Amesh.Dns;

/// <summary>A small file that is read again when it has changed. Not for several threads.</summary>
internal sealed class SystemFile<T>(string path, Func<IEnumerable<string>, T> parse)
{
    private (DateTime Written, long Length)? _seen;
    private T? _value;

    /// <summary>What the file says now; that of an empty file where it cannot be read.</summary>
    public T Read()
    {
        var info = new FileInfo(path);
        (DateTime, long) now = info.Exists ? (info.LastWriteTimeUtc, info.Length) : default;
        if (_seen != now || _value is null)
        {
            try
            {
                _value = parse(info.Exists ? File.ReadAllLines(path) : []);
                _seen = now;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _value ??= parse([]);
            }
        }

        return _value;
    }
}
