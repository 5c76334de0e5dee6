using Microsoft.Extensions.Logging;

namespace Amesh.Xds.Sources;

/// <summary>
/// Plays the control plane for a source that holds all its resources: hands on what is wanted and new, takes back what is gone.
/// Owned by the source's loop.
/// </summary>
internal sealed partial class LocalFeed(IResourceHandler handler, ILogger log)
{
    private readonly Dictionary<string, Dictionary<string, ReadOnlyMemory<byte>>> _given = [];

    /// <summary>Brings the handler to a state, in the order in which types name each other, and ends the batch.</summary>
    /// <param name="state">What there is now.</param>
    /// <param name="version">What the updates are called.</param>
    public void Give(ResourceSet state, string version)
    {
        foreach (string typeUrl in TypeUrls.InOrder)
        {
            Give(typeUrl, state.Of(typeUrl), version);
        }

        handler.Quiet();
    }

    private void Give(string typeUrl, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> resources, string version)
    {
        bool first = !_given.TryGetValue(typeUrl, out Dictionary<string, ReadOnlyMemory<byte>>? given);
        given ??= _given[typeUrl] = [];
        HashSet<string> wanted = TypeUrls.IsWildcard(typeUrl) ? [.. resources.Keys, .. given.Keys] : [.. handler.Wanted(typeUrl)];

        // As after an unsubscription: the handler has dropped it by itself.
        foreach (string name in given.Keys.Where(name => !wanted.Contains(name)).ToList())
        {
            given.Remove(name);
        }

        List<string> removed = [.. given.Keys.Where(name => !resources.ContainsKey(name)).Order(StringComparer.Ordinal)];
        List<DiscoveryResource> changed = [.. resources
            .Where(resource => wanted.Contains(resource.Key) && !(given.TryGetValue(resource.Key, out ReadOnlyMemory<byte> before) && before.Span.SequenceEqual(resource.Value.Span)))
            .Select(resource => new DiscoveryResource(resource.Key, version, resource.Value))];
        bool announce = first && TypeUrls.IsWildcard(typeUrl);
        if (changed.Count + removed.Count == 0 && !announce)
        {
            return;
        }

        foreach (RejectedResource rejected in handler.Apply(new DiscoveryUpdate(typeUrl, version, changed, removed, Complete: false)))
        {
            LogRefused(log, typeUrl, rejected.Name, rejected.Reason);
        }

        foreach (string name in removed)
        {
            given.Remove(name);
        }

        foreach (DiscoveryResource resource in changed)
        {
            given[resource.Name] = resource.Body;
        }
    }

    [LoggerMessage(20, LogLevel.Warning, "refused: {TypeUrl} {Name}: {Reason}")]
    private static partial void LogRefused(ILogger log, string typeUrl, string name, string reason);
}
