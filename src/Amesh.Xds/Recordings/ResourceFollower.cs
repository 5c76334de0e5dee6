using Amesh.Xds.Json;
using Amesh.Xds.Store;
using Google.Protobuf.Reflection;

namespace Amesh.Xds.Recordings;

/// <summary>
/// Holds resources as they come and wants everything that they name over the same stream: assignments, route configurations,
/// secrets. It judges nothing, so that a recording has also what a proxy would refuse. One thread at a time.
/// </summary>
public sealed class ResourceFollower : IResourceHandler
{
    private readonly Dictionary<string, Dictionary<string, Held>> _held = [];
    private readonly Action? _quiet;

    /// <param name="quiet">Told of the end of each batch.</param>
    public ResourceFollower(Action? quiet = null) => _quiet = quiet;

    /// <summary>What is held of a type now, name to body.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Of(string typeUrl) =>
        _held.TryGetValue(typeUrl, out Dictionary<string, Held>? held) ? held.ToDictionary(pair => pair.Key, pair => pair.Value.Body) : new Dictionary<string, ReadOnlyMemory<byte>>();

    /// <inheritdoc/>
    public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update)
    {
        if (!_held.TryGetValue(update.TypeUrl, out Dictionary<string, Held>? held))
        {
            _held[update.TypeUrl] = held = [];
        }

        if (update.Complete)
        {
            var listed = update.Resources.Select(resource => resource.Name).ToHashSet();
            foreach (string name in held.Keys.Where(name => !listed.Contains(name)).ToList())
            {
                held.Remove(name);
            }
        }

        foreach (string name in update.Removed)
        {
            held.Remove(name);
        }

        var rejected = new List<RejectedResource>();
        foreach (DiscoveryResource resource in update.Resources)
        {
            try
            {
                held[resource.Name] = new Held(resource.Version, resource.Body, References(update.TypeUrl, resource));
            }
            catch (MalformedResourceException e)
            {
                rejected.Add(new RejectedResource(resource.Name, e.Message));
            }
        }

        Forget();
        return rejected;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Wanted(string typeUrl) =>
        [.. _held.Values.SelectMany(type => type.Values).SelectMany(held => held.References).Where(reference => reference.TypeUrl == typeUrl).Select(reference => reference.Name).Distinct()];

    /// <inheritdoc/>
    public void Quiet() => _quiet?.Invoke();

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Versions(string typeUrl) =>
        _held.TryGetValue(typeUrl, out Dictionary<string, Held>? held) ? held.ToDictionary(pair => pair.Key, pair => pair.Value.Version) : new Dictionary<string, string>();

    // What nothing names any more is no longer kept up to date by the control plane.
    private void Forget()
    {
        foreach ((string typeUrl, Dictionary<string, Held> held) in _held)
        {
            if (TypeUrls.IsWildcard(typeUrl))
            {
                continue;
            }

            var wanted = Wanted(typeUrl).ToHashSet();
            foreach (string name in held.Keys.Where(name => !wanted.Contains(name)).ToList())
            {
                held.Remove(name);
            }
        }
    }

    private static List<(string TypeUrl, string Name)> References(string typeUrl, DiscoveryResource resource)
    {
        var found = new List<(string, string)>();
        if (KnownTypes.Find(typeUrl) is { } type)
        {
            Walk(resource.Body, type, found);
        }

        return found;
    }

    private static void Walk(ReadOnlyMemory<byte> message, MessageDescriptor type, List<(string, string)> found)
    {
        MessageDescriptor? inAny = null;
        switch (type.FullName)
        {
            case "envoy.config.cluster.v3.Cluster":
                Cluster(message, found);
                break;
            case "envoy.extensions.filters.network.http_connection_manager.v3.Rds":
                Named(message, source: 1, name: 2, TypeUrls.RouteConfiguration, found);
                break;
            case "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig":
                Named(message, source: 2, name: 1, TypeUrls.Secret, found);
                break;
        }

        foreach (WireField field in WireFields.Read(message))
        {
            if (type.FullName == "google.protobuf.Any")
            {
                if (field.Number == 1)
                {
                    inAny = KnownTypes.Find(System.Text.Encoding.UTF8.GetString(field.Content.Span));
                }
                else if (inAny is not null)
                {
                    Walk(field.Content, inAny, found);
                }
            }
            else if (type.FindFieldByNumber(field.Number) is { FieldType: FieldType.Message } known)
            {
                Walk(field.Content, known.MessageType, found);
            }
        }
    }

    private static void Cluster(ReadOnlyMemory<byte> message, List<(string, string)> found)
    {
        Envoy.Config.Cluster.V3.Cluster cluster;
        try
        {
            cluster = Envoy.Config.Cluster.V3.Cluster.Parser.ParseFrom(message.Span);
        }
        catch (Google.Protobuf.InvalidProtocolBufferException e)
        {
            throw new MalformedResourceException(e.Message);
        }

        if (cluster.Type == Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Eds)
        {
            found.Add((TypeUrls.ClusterLoadAssignment, cluster.EdsClusterConfig is { ServiceName.Length: > 0 } eds ? eds.ServiceName : cluster.Name));
        }
    }

    private static void Named(ReadOnlyMemory<byte> message, int source, int name, string typeUrl, List<(string, string)> found)
    {
        foreach (WireField field in WireFields.Read(message))
        {
            // ConfigSource: 3 is ads, 5 is self. Istio's proxies get secrets from their agent, by another source.
            if (field.Number == source && WireFields.Read(field.Content).Any(inner => inner.Number is 3 or 5))
            {
                found.Add((typeUrl, WireFields.Text(message, name)));
            }
        }
    }

    private sealed record Held(string Version, ReadOnlyMemory<byte> Body, IReadOnlyList<(string TypeUrl, string Name)> References);
}
