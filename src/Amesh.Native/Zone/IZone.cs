namespace Amesh.Native.Zone;

/// <summary>A shared dictionary, as far as the writer needs it. Keys and texts are UTF-8.</summary>
internal interface IZone
{
    /// <summary>
    /// Stores a text, and beside it the number of the commit that it comes with (0: none); false when there is no room, in which
    /// case the key's old value may be gone, too.
    /// </summary>
    bool TryStore(string key, ReadOnlySpan<byte> value, long commit = 0);

    /// <summary>Stores a number; false when there is no room.</summary>
    bool TryStore(string key, double value);

    /// <summary>Takes a key out; nothing happens where it is not there.</summary>
    void Delete(string key);

    /// <summary>The text of a key; null where there is none.</summary>
    byte[]? Text(string key) => Text(key, out _);

    /// <summary>The text of a key, and the number of the commit that it came with; null where there is none.</summary>
    byte[]? Text(string key, out long commit);

    /// <summary>The number of a key; null where there is none.</summary>
    double? Number(string key);

    /// <summary>Adds one to a number that starts at 0, in one step for all processes. Null when there is no room.</summary>
    double? Increment(string key);

    /// <summary>Bytes in pages that nothing uses.</summary>
    long FreeSpace { get; }

    /// <summary>Bytes of the whole zone.</summary>
    long Capacity { get; }
}
