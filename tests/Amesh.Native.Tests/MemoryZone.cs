using Amesh.Native.Zone;

namespace Amesh.Native.Tests;

/// <summary>A zone of a given size, as nginx's is with safe stores: a value that grows loses its room before it finds new.</summary>
internal sealed class MemoryZone(long capacity = long.MaxValue) : IZone
{
    private readonly SortedDictionary<string, object> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _commits = [];

    /// <summary>Every change of the zone in order, for tests of what a reader could see in between.</summary>
    public List<string> Steps { get; } = [];

    /// <summary>When it says so of a step, the process dies there.</summary>
    public Func<string, bool> DiesAt { get; set; } = _ => false;

    public IEnumerable<string> Keys => _values.Keys;

    public long Capacity => capacity;

    public long FreeSpace => capacity - Used;

    private long Used => _values.Sum(v => v.Key.Length + (v.Value is byte[] text ? text.Length : 8));

    public bool TryStore(string key, ReadOnlySpan<byte> value, long commit = 0)
    {
        bool stored = Store(key, value.ToArray(), value.Length);
        _commits[key] = commit;
        return stored;
    }

    public bool TryStore(string key, double value) => Store(key, value, 8);

    public void Delete(string key)
    {
        Step("-" + key);
        _values.Remove(key);
    }

    public byte[]? Text(string key) => Text(key, out _);

    public byte[]? Text(string key, out long commit)
    {
        commit = _commits.GetValueOrDefault(key);
        return _values.GetValueOrDefault(key) as byte[];
    }

    public double? Number(string key) => _values.GetValueOrDefault(key) as double?;

    public double? Increment(string key)
    {
        double value = (Number(key) ?? 0) + 1;
        return TryStore(key, value) ? value : null;
    }

    private bool Store(string key, object value, int size)
    {
        Step("+" + key);
        _values.Remove(key);
        if (Used + key.Length + size > capacity)
        {
            return false;
        }

        _values[key] = value;
        return true;
    }

    private void Step(string step)
    {
        if (DiesAt(step))
        {
            throw new ProcessDied();
        }

        Steps.Add(step);
    }

    internal sealed class ProcessDied : Exception;
}
