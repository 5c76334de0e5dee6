using System.Collections.Frozen;
using System.Security.Cryptography;
using Amesh.Xds.Recordings;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Cli.Replay;

/// <summary>A resource as it is served. Its version is a hash of its bytes: the same content has the same version at every step.</summary>
internal sealed record ServedResource(string Name, string Version, Any Any);

/// <summary>All that a step serves, by type and name.</summary>
internal sealed class ServedStep(int index, string name, FrozenDictionary<string, FrozenDictionary<string, ServedResource>> types)
{
    public int Index { get; } = index;

    public string Name { get; } = name;

    /// <summary>What responses of the step are called.</summary>
    public string Version { get; } = $"{index:D2}-{name}";

    public FrozenDictionary<string, ServedResource> Of(string typeUrl) =>
        types.TryGetValue(typeUrl, out FrozenDictionary<string, ServedResource>? resources) ? resources : FrozenDictionary<string, ServedResource>.Empty;

    public static IReadOnlyList<ServedStep> From(IReadOnlyList<RecordedState> states)
    {
        var steps = new List<ServedStep>();
        // Neighbouring steps have most resources in common, as the same memory.
        var known = new Dictionary<(string Type, string Name), (ReadOnlyMemory<byte> Body, ServedResource Resource)>();
        foreach (RecordedState state in states)
        {
            steps.Add(new ServedStep(steps.Count, state.Step, state.Resources.ToFrozenDictionary(
                type => type.Key,
                type => type.Value.ToFrozenDictionary(resource => resource.Key, resource => Served(type.Key, resource.Key, resource.Value)))));
        }

        return steps;

        ServedResource Served(string typeUrl, string name, ReadOnlyMemory<byte> body)
        {
            if (known.TryGetValue((typeUrl, name), out var before) && before.Body.Equals(body))
            {
                return before.Resource;
            }

            string version = Convert.ToHexStringLower(SHA256.HashData(body.Span))[..16];
            var resource = new ServedResource(name, version, new Any { TypeUrl = typeUrl, Value = UnsafeByteOperations.UnsafeWrap(body) });
            known[(typeUrl, name)] = (body, resource);
            return resource;
        }
    }
}
