using System.Collections.Immutable;

namespace Amesh.Xds.Sources;

/// <summary>Resources of a source that holds them all: type URL to name to the resource's own bytes.</summary>
internal sealed class ResourceSet
{
    private readonly Dictionary<string, SortedDictionary<string, ReadOnlyMemory<byte>>> _types = [];

    public bool Add(string typeUrl, string name, ReadOnlyMemory<byte> body)
    {
        if (!_types.TryGetValue(typeUrl, out SortedDictionary<string, ReadOnlyMemory<byte>>? resources))
        {
            _types[typeUrl] = resources = new(StringComparer.Ordinal);
        }

        return resources.TryAdd(name, body);
    }

    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Of(string typeUrl) =>
        _types.TryGetValue(typeUrl, out SortedDictionary<string, ReadOnlyMemory<byte>>? resources)
            ? resources
            : ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty;
}
