using System.Text;
using Amesh.Apisix;
using Amesh.Translation;

namespace Amesh.Native.Zone;

/// <summary>
/// Which keys Amesh has written, kept in the zone itself: a library cannot list a zone's keys, and a new process must know
/// what an old one has left.
/// </summary>
/// <remarks>
/// The keys are spread over buckets, so that one more key rewrites a small text and not a list of the whole mesh. A key is
/// in the register before its object is in the zone, and until after it is gone.
/// </remarks>
internal sealed class KeyRegister(IZone zone)
{
    private const int Buckets = 256;

    private readonly Dictionary<int, SortedSet<string>> _buckets = [];

    /// <summary>Every key that is registered.</summary>
    public IEnumerable<ObjectKey> Read() =>
        Enumerable.Range(0, Buckets).SelectMany(Bucket).Select(ObjectKey.Parse).OfType<ObjectKey>();

    /// <summary>Registers keys; steps that can be taken back go onto <paramref name="undo"/>.</summary>
    /// <exception cref="ConfigSinkException">There is no room.</exception>
    public void Add(IEnumerable<ConfigObject> objects, Stack<UndoStep> undo)
    {
        var changed = new HashSet<int>();
        foreach (ConfigObject value in objects)
        {
            string key = value.Key.ToString();
            int bucket = BucketOf(key);
            if (Bucket(bucket).Add(key))
            {
                changed.Add(bucket);
            }
        }

        foreach (int bucket in changed)
        {
            string name = NameOf(bucket);
            undo.Push(UndoStep.Of(zone, name));
            if (!zone.TryStore(name, Encoding.UTF8.GetBytes(string.Join('\n', Bucket(bucket)))))
            {
                throw ZoneSink.Full(zone, ZoneSink.ConfigZone);
            }
        }
    }

    /// <summary>After steps were taken back: what is remembered of the buckets is no longer what is in the zone.</summary>
    public void Forget() => _buckets.Clear();

    /// <summary>Takes keys out.</summary>
    public void Remove(IEnumerable<ObjectKey> keys)
    {
        var changed = new HashSet<int>();
        foreach (ObjectKey key in keys)
        {
            int bucket = BucketOf(key.ToString());
            if (Bucket(bucket).Remove(key.ToString()))
            {
                changed.Add(bucket);
            }
        }

        foreach (int bucket in changed)
        {
            // Shorter than before: if it finds no room all the same, the register names a key too many, which does no harm.
            _ = zone.TryStore(NameOf(bucket), Encoding.UTF8.GetBytes(string.Join('\n', Bucket(bucket))));
        }
    }

    private SortedSet<string> Bucket(int bucket)
    {
        if (!_buckets.TryGetValue(bucket, out SortedSet<string>? keys))
        {
            string text = zone.Text(NameOf(bucket)) is { } bytes ? Encoding.UTF8.GetString(bytes) : "";
            keys = new SortedSet<string>(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);
            _buckets.Add(bucket, keys);
        }

        return keys;
    }

    private static string NameOf(int bucket) => $"amesh/keys/{bucket:x2}";

    private static int BucketOf(string key)
    {
        // Stable across processes and versions, unlike string.GetHashCode.
        uint hash = 2166136261;
        foreach (char c in key)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (int)(hash % Buckets);
    }
}
