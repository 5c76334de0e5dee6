using Amesh.Apisix;

namespace Amesh.Translation;

/// <summary>The objects that the mesh comes to, who made each, and what has changed since they were last written.</summary>
internal sealed class ObjectTable
{
    private readonly SortedDictionary<ObjectKey, byte[]> _objects = [];
    private readonly Dictionary<Owner, ObjectKey[]> _owned = [];

    // Kept as they change: the status asks each second.
    private readonly int[] _counts = new int[Enum.GetValues<ObjectKind>().Length];

    // The bytes that an object had when it was last written; null for one that was not there.
    private readonly Dictionary<ObjectKey, byte[]?> _before = [];

    /// <summary>All objects, in the order of writing.</summary>
    public IEnumerable<ConfigObject> Objects => _objects.Select(o => new ConfigObject(o.Key, o.Value));

    /// <summary>How many objects there are of a kind.</summary>
    public int Count(ObjectKind kind) => _counts[(int)kind];

    /// <summary>Replaces all that one unit comes to. An object that it no longer comes to is gone.</summary>
    public void Set(Owner owner, IEnumerable<ApisixObject> objects)
    {
        // All are made before the first is taken: one that cannot be made leaves no trace.
        (ObjectKey Key, byte[] Json)[] made = [.. objects.Select(value => (value.Key(), ObjectJson.Serialize(value)))];
        var keys = new List<ObjectKey>();
        foreach ((ObjectKey key, byte[] json) in made)
        {
            keys.Add(key);
            if (!_objects.TryGetValue(key, out byte[]? held) || !held.AsSpan().SequenceEqual(json))
            {
                _before.TryAdd(key, held);
                _objects[key] = json;
                _counts[(int)key.Kind] += held is null ? 1 : 0;
            }
        }

        if (_owned.TryGetValue(owner, out ObjectKey[]? owned))
        {
            // A virtual host may have thousands of routes.
            ICollection<ObjectKey> kept = keys.Count > 16 ? keys.ToHashSet() : keys;
            foreach (ObjectKey key in owned.Where(key => !kept.Contains(key)))
            {
                if (_objects.Remove(key, out byte[]? held))
                {
                    _before.TryAdd(key, held);
                    _counts[(int)key.Kind]--;
                }
            }
        }

        if (keys.Count == 0)
        {
            _owned.Remove(owner);
        }
        else
        {
            _owned[owner] = [.. keys];
        }
    }

    /// <summary>Whether a unit comes to any object now.</summary>
    public bool Owns(Owner owner) => _owned.ContainsKey(owner);

    /// <summary>What has changed since the last <see cref="Accept"/>.</summary>
    public ChangeSet Changes()
    {
        var set = new List<ConfigObject>();
        var removed = new List<ObjectKey>();
        foreach ((ObjectKey key, byte[]? before) in _before)
        {
            if (!_objects.TryGetValue(key, out byte[]? now))
            {
                if (before is not null)
                {
                    removed.Add(key);
                }
            }
            else if (before is null || !before.AsSpan().SequenceEqual(now))
            {
                set.Add(new ConfigObject(key, now));
            }
        }

        set.Sort((a, b) => a.Key.CompareTo(b.Key));
        removed.Sort((a, b) => b.CompareTo(a));
        return new ChangeSet(set, removed);
    }

    /// <summary>The changes have been written: what is here now is what later changes are measured by.</summary>
    public void Accept() => _before.Clear();
}

/// <summary>The unit that objects were made from.</summary>
/// <param name="Kind">What each such unit comes to mostly.</param>
/// <param name="Resource">The resource that it is in.</param>
/// <param name="Name">Its name in the resource.</param>
internal readonly record struct Owner(ObjectKind Kind, string Resource, string Name);
