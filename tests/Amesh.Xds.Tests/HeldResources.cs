using System.Collections.Concurrent;
using Amesh.Xds.Recordings;

namespace Amesh.Xds.Tests;

/// <summary>A handler that holds what comes, refuses what it is told to, and shows a picture of itself after each batch.</summary>
internal sealed class HeldResources : IResourceHandler
{
    private readonly ResourceFollower _follower = new();
    private volatile IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> _picture = new Dictionary<string, IReadOnlyDictionary<string, string>>();
    private volatile int _batches;

    /// <summary>Name to reason.</summary>
    public ConcurrentDictionary<string, string> Refuse { get; } = new();

    public volatile Exception? Throw;

    public ConcurrentQueue<DiscoveryUpdate> Updates { get; } = new();

    public int Batches => _batches;

    /// <summary>Type to name to hash of the bytes, as of the last batch's end.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Picture => _picture;

    public IEnumerable<string> Names(string typeUrl) =>
        _picture.TryGetValue(typeUrl, out IReadOnlyDictionary<string, string>? names) ? names.Keys.Order(StringComparer.Ordinal) : [];

    public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update)
    {
        if (Throw is { } exception)
        {
            throw exception;
        }

        Updates.Enqueue(update);
        List<RejectedResource> rejected = [.. update.Resources.Where(resource => Refuse.ContainsKey(resource.Name)).Select(resource => new RejectedResource(resource.Name, Refuse[resource.Name]))];
        IReadOnlyList<DiscoveryResource> taken = [.. update.Resources.Where(resource => !Refuse.ContainsKey(resource.Name))];
        if (rejected.Count > 0 && update.Complete)
        {
            // As the contract says: what is refused keeps its last good version.
            IReadOnlyDictionary<string, ReadOnlyMemory<byte>> held = _follower.Of(update.TypeUrl);
            taken = [.. taken, .. rejected.Where(one => held.ContainsKey(one.Name)).Select(one => new DiscoveryResource(one.Name, "", held[one.Name]))];
        }

        return [.. rejected, .. _follower.Apply(update with { Resources = taken })];
    }

    public IReadOnlyCollection<string> Wanted(string typeUrl) => _follower.Wanted(typeUrl);

    public IReadOnlyDictionary<string, string> Versions(string typeUrl) => _follower.Versions(typeUrl);

    public void Quiet()
    {
        _picture = PictureOf(typeUrl => _follower.Of(typeUrl));
        Interlocked.Increment(ref _batches);
    }

    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> PictureOf(Func<string, IReadOnlyDictionary<string, ReadOnlyMemory<byte>>> of) =>
        TypeUrls.InOrder.ToDictionary(
            typeUrl => typeUrl,
            typeUrl => (IReadOnlyDictionary<string, string>)of(typeUrl).ToDictionary(pair => pair.Key, pair => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(pair.Value.Span))));

    public static string Difference(
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> expected, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> found)
    {
        var lines = new List<string>();
        foreach (string typeUrl in TypeUrls.InOrder)
        {
            IReadOnlyDictionary<string, string> one = expected.GetValueOrDefault(typeUrl, new Dictionary<string, string>());
            IReadOnlyDictionary<string, string> two = found.GetValueOrDefault(typeUrl, new Dictionary<string, string>());
            lines.AddRange(one.Keys.Union(two.Keys).Where(name => one.GetValueOrDefault(name) != two.GetValueOrDefault(name))
                .Select(name => $"{typeUrl} {name}: {(one.ContainsKey(name) ? two.ContainsKey(name) ? "differs" : "missing" : "too much")}"));
        }

        return string.Join("; ", lines);
    }
}
