using System.Globalization;
using System.Text;
using Amesh.Apisix;
using Amesh.Translation;

namespace Amesh.Native.Zone;

/// <summary>
/// Which keys each of the last commits set and removed, so that a reader applies a change without reading everything.
/// </summary>
/// <remarks>
/// Bounded: a reader that has fallen out of it, or finds <c>*</c>, reads everything once. An entry that finds no room costs
/// no more than that.
/// </remarks>
internal sealed class CommitLog(IZone zone)
{
    private const int MaxEntries = 256;
    private const int MaxEntryBytes = 16 * 1024;
    private const int MaxBytes = 256 * 1024;
    private const string FirstKey = "amesh/log_first";

    private static readonly byte[] Everything = "*"u8.ToArray();

    private readonly Queue<(long Commit, int Bytes)> _entries = [];
    private long _bytes;
    private bool _read;

    /// <summary>
    /// Writes the entry of a commit, before the commit is published. <paramref name="everything"/>: readers have to look at more
    /// than what this commit changes.
    /// </summary>
    public void Append(long commit, ChangeSet changes, bool everything = false)
    {
        if (!_read)
        {
            _read = true;
            ReadWhatIsThere(commit);
        }

        byte[] entry = everything ? Everything : EntryOf(changes);
        while (_entries.Count > 0 && (_entries.Count >= MaxEntries || _bytes + entry.Length > MaxBytes))
        {
            DropOldest();
        }

        if (zone.TryStore(NameOf(commit), entry))
        {
            _entries.Enqueue((commit, entry.Length));
            _bytes += entry.Length;
        }
        else
        {
            while (_entries.Count > 0)
            {
                DropOldest();
            }
        }

        _ = zone.TryStore(FirstKey, _entries.Count > 0 ? _entries.Peek().Commit : commit + 1);
    }

    // An earlier process's entries still serve its readers.
    private void ReadWhatIsThere(long commit)
    {
        for (long earlier = (long)(zone.Number(FirstKey) ?? commit); earlier < commit; earlier++)
        {
            if (zone.Text(NameOf(earlier)) is { } entry)
            {
                _entries.Enqueue((earlier, entry.Length));
                _bytes += entry.Length;
            }
        }
    }

    private void DropOldest()
    {
        (long commit, int bytes) = _entries.Dequeue();
        _bytes -= bytes;
        zone.Delete(NameOf(commit));
    }

    private static byte[] EntryOf(ChangeSet changes)
    {
        var text = new StringBuilder();
        foreach (ConfigObject value in changes.Set)
        {
            text.Append('+').Append(value.Key.ToString()).Append('\n');
        }

        foreach (ObjectKey key in changes.Removed)
        {
            text.Append('-').Append(key.ToString()).Append('\n');
        }

        return text.Length > MaxEntryBytes ? Everything : Encoding.UTF8.GetBytes(text.ToString().TrimEnd('\n'));
    }

    private static string NameOf(long commit) => "amesh/log/" + commit.ToString(CultureInfo.InvariantCulture);
}
