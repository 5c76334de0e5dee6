using Amesh.Xds.Sources;
using Amesh.Xds.Store;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Amesh.Xds.Secrets;

/// <summary>
/// Secrets in files of resources (<c>path_config_source</c>), and those whose very names say files, as Istio writes them.
/// Files are looked at again and again; one that is bad or away is one logged error, and what it last said stays.
/// </summary>
/// <remarks>The loop in <see cref="RunAsync"/> owns the state; <see cref="Wake"/> may be called by any thread.</remarks>
public sealed partial class SecretFiles : IResourceSource, IDisposable
{
    private readonly TimeSpan _interval;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _wake = new(1);
    private readonly Dictionary<string, FileStamp?> _stamps = [];
    private readonly Dictionary<string, string> _errors = [];
    private readonly HashSet<string> _given = [];
    private readonly HashSet<string> _missed = [];

    /// <param name="interval">How often to look for changes; null = every half second.</param>
    /// <param name="log">Where errors go.</param>
    public SecretFiles(TimeSpan? interval = null, ILogger? log = null)
    {
        _interval = interval ?? TimeSpan.FromMilliseconds(500);
        _log = log ?? NullLogger.Instance;
    }

    /// <summary>Other names may be wanted.</summary>
    public void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    /// <inheritdoc/>
    public async Task RunAsync(IResourceHandler handler, CancellationToken ct)
    {
        while (true)
        {
            await _wake.WaitAsync(_interval, ct).ConfigureAwait(false);
            LoadOnce(handler);
        }
    }

    /// <summary>Reads what is wanted and has changed, and hands it on.</summary>
    public void LoadOnce(IResourceHandler handler)
    {
        IReadOnlyCollection<string> wanted = handler.Wanted(SecretOrigin.Files);
        _given.IntersectWith(wanted);
        var found = new List<DiscoveryResource>();
        var missing = new List<string>();
        ILookup<string?, string> byFile = wanted.ToLookup(name => SecretOrigin.ParseFileName(name)?.File);
        foreach (string gone in _stamps.Keys.Where(file => !byFile.Contains(file)).ToList())
        {
            _stamps.Remove(gone);
            _errors.Remove(gone);
        }

        foreach (IGrouping<string?, string> names in byFile)
        {
            found.AddRange(names.Key is { } file ? Read(file, [.. names], missing) : names.Where(_given.Add).Select(Named));
        }

        // Whoever waits for a secret is told that it is not there; once, since it is looked for again and again.
        missing.RemoveAll(name => !_missed.Add(name));
        _missed.IntersectWith(wanted);
        _missed.ExceptWith(found.Select(resource => resource.Name));
        if (found.Count + missing.Count == 0)
        {
            return;
        }

        foreach (RejectedResource rejected in handler.Apply(new DiscoveryUpdate(SecretOrigin.Files, "files", found, missing, Complete: false)))
        {
            LogBad(_log, $"secret {rejected.Name.Replace('\n', ' ')}: {rejected.Reason}");
        }

        handler.Quiet();
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    // The files that such a name stands for are read where all DataSources are.
    private static DiscoveryResource Named(string name) => new(name, "files", SecretOrigin.SecretOfName(name)!.ToByteArray());

    private List<DiscoveryResource> Read(string file, string[] names, List<string> missing)
    {
        FileStamp? stamp = FileStamp.TryOf(file);
        bool same = _stamps.TryGetValue(file, out FileStamp? before) && before == stamp && stamp is not null;
        if (same && names.All(_given.Contains))
        {
            return [];
        }

        // Remembered before it is read: a file that changes while it is read is read again.
        _stamps[file] = stamp;
        try
        {
            var secrets = ResourceFile.Read(File.ReadAllText(file), file, new List<string>())
                .Where(resource => resource.TypeUrl == TypeUrls.Secret)
                .ToLookup(resource => resource.Name, resource => resource.Body);
            _given.UnionWith(names);
            _errors.Remove(file);
            var found = new List<DiscoveryResource>();
            foreach (string name in names)
            {
                string inside = SecretOrigin.ParseFileName(name)!.Value.Name;
                if (secrets[inside].Any())
                {
                    found.Add(new DiscoveryResource(name, "files", secrets[inside].First()));
                }
                else
                {
                    missing.Add(name);
                    Fail(file, $"{file}: there is no secret {inside} in it");
                }
            }

            return found;
        }
        catch (Exception e) when (e is SourceException or IOException or UnauthorizedAccessException)
        {
            missing.AddRange(names);
            Fail(file, e is SourceException ? e.Message : $"{file}: {e.Message}");
            return [];
        }
    }

    private void Fail(string file, string error)
    {
        if (_errors.GetValueOrDefault(file) != error)
        {
            _errors[file] = error;
            LogBad(_log, error);
        }
    }

    [LoggerMessage(33, LogLevel.Error, "{Error}")]
    private static partial void LogBad(ILogger log, string error);
}
