using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Xds.Sources;

/// <summary>
/// A folder of resource files (<c>.json</c>, <c>.yaml</c>, <c>.yml</c>; not its subfolders), looked at again and again. A file
/// that is bad is one logged error, and what it last said when it was good stays. Looks at times and sizes instead of asking
/// the kernel for events: those miss the way in which Kubernetes swaps a ConfigMap's files, and network file systems.
/// </summary>
public sealed partial class FileSource : IResourceSource
{
    private readonly string _directory;
    private readonly TimeSpan _interval;
    private readonly ILogger _log;
    private readonly Dictionary<string, LoadedFile> _files = new(StringComparer.Ordinal);
    // Files that have changed, as they were at the last look: one that is still being written is not read.
    private readonly Dictionary<string, FileStamp> _changing = new(StringComparer.Ordinal);
    private volatile IReadOnlyDictionary<string, string> _errors = new Dictionary<string, string>();

    /// <summary>Makes a source; reads nothing until <see cref="RunAsync"/>.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="interval">How often to look for changes; null = every half second.</param>
    /// <param name="log">Where errors and notes go.</param>
    public FileSource(string directory, TimeSpan? interval = null, ILogger? log = null)
    {
        _directory = directory;
        _interval = interval ?? TimeSpan.FromMilliseconds(500);
        _log = log ?? NullLogger.Instance;
    }

    /// <summary>File to error, of the files that are bad now. Any thread may ask.</summary>
    public IReadOnlyDictionary<string, string> Errors => _errors;

    /// <inheritdoc/>
    public async Task RunAsync(IResourceHandler handler, CancellationToken ct)
    {
        RequireFolder();
        var feed = new LocalFeed(handler, _log);
        for (long round = 1; ; round++)
        {
            ct.ThrowIfCancellationRequested();
            if (Load(wait: round > 1))
            {
                feed.Give(Merge(), $"files-{round}");
            }

            await Task.Delay(_interval, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Reads the folder once and hands on what is in it; for programs that do not watch.</summary>
    /// <returns>The errors, one line each; they are logged, too.</returns>
    /// <exception cref="SourceException">There is no such folder, or no file in it that could be read.</exception>
    public IReadOnlyList<string> LoadOnce(IResourceHandler handler)
    {
        RequireFolder();
        Load(wait: false);
        if (_files.Count == 0)
        {
            throw new SourceException($"{_directory}: there is no file of resources in it (.json, .yaml or .yml)");
        }

        new LocalFeed(handler, _log).Give(Merge(), "files");
        return [.. _errors.Values];
    }

    private void RequireFolder()
    {
        if (!Directory.Exists(_directory))
        {
            throw new SourceException($"{_directory}: there is no such folder");
        }
    }

    // Whether anything changed. wait: whether a file that has changed is left alone until it is the same at two looks.
    private bool Load(bool wait)
    {
        List<string> present;
        try
        {
            present = [.. Directory.EnumerateFiles(_directory).Where(ResourceFile.IsOne).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder is away, perhaps for a moment; that is no reason to drop everything that was in it.
            Fail(_directory, $"{_directory}: {e.Message}");
            return false;
        }

        bool changed = _files.Count == 0;
        foreach (string gone in _files.Keys.Except(present).ToList())
        {
            _files.Remove(gone);
            changed = true;
        }

        foreach (string file in present)
        {
            changed |= Load(file, wait);
        }

        _errors = _errors.Where(error => _files.TryGetValue(error.Key, out LoadedFile? loaded) && loaded.IsBad).ToDictionary();
        return changed;
    }

    private bool Load(string file, bool wait)
    {
        LoadedFile before = _files.GetValueOrDefault(file, LoadedFile.None);
        try
        {
            FileStamp stamp = FileStamp.Of(file);
            if (stamp == before.Stamp)
            {
                _changing.Remove(file);
                return false;
            }

            if (wait && (!_changing.TryGetValue(file, out FileStamp last) || last != stamp))
            {
                _changing[file] = stamp;
                return false;
            }

            var notes = new List<string>();
            // Remembered before it is read: a file that changes while it is read is read again.
            _files[file] = before = before with { Stamp = stamp };
            List<(string, string, ReadOnlyMemory<byte>)> resources = ResourceFile.Read(File.ReadAllText(file), file, notes);
            _files[file] = new LoadedFile(stamp, resources, IsBad: false);
            foreach (string note in notes)
            {
                LogNote(_log, note);
            }

            return true;
        }
        catch (Exception e)
        {
            // Whatever is wrong with one file: the others are read, and the folder is looked at again.
            _files[file] = before with { IsBad = true };
            Fail(file, e is SourceException ? e.Message : $"{file}: {e.Message}");
            return false;
        }
    }

    private void Fail(string file, string error)
    {
        if (_errors.GetValueOrDefault(file) != error)
        {
            _errors = new Dictionary<string, string>(_errors) { [file] = error };
            LogBad(_log, error);
        }
    }

    // In the order of the files' names; the first to name a resource has it.
    private ResourceSet Merge()
    {
        var merged = new ResourceSet();
        foreach ((string file, LoadedFile loaded) in _files.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            foreach ((string typeUrl, string name, ReadOnlyMemory<byte> body) in loaded.Resources)
            {
                if (!merged.Add(typeUrl, name, body))
                {
                    LogBad(_log, $"{file}: {typeUrl} {name} is in another file or place too; this one is left out");
                }
            }
        }

        return merged;
    }

    [LoggerMessage(21, LogLevel.Error, "{Error}")]
    private static partial void LogBad(ILogger log, string error);

    [LoggerMessage(22, LogLevel.Warning, "{Note}")]
    private static partial void LogNote(ILogger log, string note);

    private sealed record LoadedFile(FileStamp Stamp, IReadOnlyList<(string TypeUrl, string Name, ReadOnlyMemory<byte> Body)> Resources, bool IsBad)
    {
        public static readonly LoadedFile None = new(default, [], false);
    }
}
