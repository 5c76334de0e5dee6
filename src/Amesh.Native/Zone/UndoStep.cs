namespace Amesh.Native.Zone;

/// <summary>What a key held before a commit touched it.</summary>
internal readonly record struct UndoStep(string Key, byte[]? Before, long Commit)
{
    /// <summary>Remembers what is there.</summary>
    public static UndoStep Of(IZone zone, string key) => new(key, zone.Text(key, out long commit), commit);

    /// <summary>Puts it back. It fits again: its room was freed a moment ago and nobody else writes.</summary>
    public void TakeBack(IZone zone)
    {
        if (Before is null)
        {
            zone.Delete(Key);
        }
        else
        {
            _ = zone.TryStore(Key, Before, Commit);
        }
    }
}
