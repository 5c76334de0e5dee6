using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Amesh.Xds.Store;

/// <summary>
/// The resources that are held, the last good version of each, and what changed in them since the last batch.
/// </summary>
/// <remarks>
/// <para>
/// Bytes that are the same as before are not decoded, for a unit as for a resource: SotW sends every cluster and listener
/// again at any change, and one changed virtual host brings a whole RouteConfiguration.
/// </para>
/// <para>
/// From <see cref="BeginWarming"/> on, a new version of a cluster or a listener stays out of service (the handler does not hear
/// of it) until what it names has come. What it replaces, and what that names, is kept as long.
/// </para>
/// <para>
/// What no resource names any more is dropped, in SotW as in Delta, so that both end in the same state. Not for several
/// threads: the owner of the source's loop owns the store.
/// </para>
/// </remarks>
public sealed partial class ResourceStore(IUnitHandler handler, TimeProvider? time = null) : IResourceHandler
{
    private readonly Dictionary<string, Dictionary<string, HeldResource>> _held =
        ResourceType.All.Keys.ToDictionary(typeUrl => typeUrl, _ => new Dictionary<string, HeldResource>());

    // How many units name a resource: what is not in here is not wanted.
    private readonly Dictionary<string, Dictionary<string, int>> _named =
        ResourceType.All.Keys.ToDictionary(typeUrl => typeUrl, _ => new Dictionary<string, int>());

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly WarmingTable _warming = new(time ?? TimeProvider.System);

    // What is in service and lacks something that nobody waited for any longer.
    private readonly Dictionary<ResourceReference, (ResourceReference[] Lacks, DateTimeOffset Since)> _incomplete = [];
    private readonly HashSet<string> _received = [];
    private bool _warms;

    private static readonly Dictionary<(UnitKind Kind, string Name), IMessage> NothingDecoded = [];

    // Types whose names are not waited for: nobody is there who could bring them.
    private readonly HashSet<string> _unattended = [SecretOrigin.Agent, SecretOrigin.Files];
    private readonly Dictionary<UnitKey, UnitChange> _pending = [];

    // What lost its last name since the last look; it may have got another one meanwhile.
    private readonly HashSet<ResourceReference> _unnamed = [];

    /// <summary>
    /// Whether clusters and listeners have come, and everything that they name. A first start waits for it; later on a
    /// missing resource is a matter of its own units.
    /// </summary>
    public bool IsComplete =>
        _received.Contains(TypeUrls.Cluster) && _received.Contains(TypeUrls.Listener)
        && _named.All(type => type.Key == SecretOrigin.Files || _unattended.Contains(type.Key) || type.Value.Keys.All(_held[type.Key].ContainsKey));

    /// <summary>
    /// Says that a source for a <see cref="SecretOrigin"/> is at work, so that its secrets are waited for; at a first start only
    /// those of an agent, since files may just as well be missing.
    /// </summary>
    public void Attend(string typeUrl) => _unattended.Remove(typeUrl);

    /// <summary>Names that are wanted and have not come, for people who wonder what a first start waits for.</summary>
    public IEnumerable<string> Missing =>
        _named.SelectMany(type => type.Value.Keys.Where(name => !_held[type.Key].ContainsKey(name)).Select(name => $"{type.Key} {name.Replace('\n', ' ')}"));

    /// <summary>Names of secrets, of any origin, that are wanted and have not come.</summary>
    public IEnumerable<string> MissingSecrets => SecretOrigin.All.SelectMany(origin => _named[origin].Keys.Where(name => !_held[origin].ContainsKey(name)).Select(name => name.Replace('\n', ' ')));

    /// <inheritdoc/>
    public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update)
    {
        if (!ResourceType.All.TryGetValue(update.TypeUrl, out ResourceType? type))
        {
            return [.. update.Resources.Select(r => new RejectedResource(r.Name, $"resources of type {update.TypeUrl} were not asked for"))];
        }

        _received.Add(update.TypeUrl);
        var rejected = new List<RejectedResource>();
        foreach (DiscoveryResource resource in update.Resources)
        {
            // What crossed its own unsubscription on the way, or was never asked for (OSM does that).
            if (!TypeUrls.IsWildcard(update.TypeUrl) && !_named[update.TypeUrl].ContainsKey(resource.Name))
            {
                continue;
            }

            try
            {
                Set(update.TypeUrl, type, resource);
            }
            catch (Exception e)
            {
                GiveUp(new ResourceReference(update.TypeUrl, resource.Name));

                // Whatever it is: the others of the response are taken, and would not come again if they were not.
                bool expected = e is MalformedResourceException or InvalidProtocolBufferException;
                rejected.Add(new RejectedResource(resource.Name, expected ? e.Message : $"internal error: {e.Message}"));
            }
        }

        // What is taken back while something names it stays, as in Envoy (and in SotW, where nothing could say so): endpoints,
        // routes and secrets go with what names them. That there are no such endpoints, or is no such file, is an answer.
        foreach (string name in update.Removed)
        {
            if (!_named[update.TypeUrl].ContainsKey(name))
            {
                Remove(update.TypeUrl, name);
            }
            else if (update.TypeUrl is TypeUrls.ClusterLoadAssignment or SecretOrigin.Files)
            {
                GiveUp(new ResourceReference(update.TypeUrl, name));
            }
        }

        if (update.Complete)
        {
            var listed = update.Resources.Select(r => r.Name).ToHashSet();
            foreach (string name in _held[update.TypeUrl].Keys.Where(name => !listed.Contains(name)).ToList())
            {
                Remove(update.TypeUrl, name);
            }
        }

        DropUnnamed();
        return rejected;
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Wanted(string typeUrl) =>
        _named.TryGetValue(typeUrl, out Dictionary<string, int>? names) ? names.Keys : [];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Versions(string typeUrl) =>
        _held.TryGetValue(typeUrl, out Dictionary<string, HeldResource>? resources)
            ? resources.ToDictionary(resource => resource.Key, resource => resource.Value.Version)
            : new Dictionary<string, string>();

    /// <summary>Hands the changes since the last call to the handler.</summary>
    public void Quiet()
    {
        if (_pending.Count == 0)
        {
            return;
        }

        UnitChange[] changes = [.. _pending.Values];
        _pending.Clear();
        handler.Apply(changes);
    }

    /// <summary>The bytes of a unit that is in service, to decode it again; false where there is none.</summary>
    public bool TryRead(UnitKey key, out ReadOnlyMemory<byte> bytes)
    {
        string typeUrl = key.Kind switch
        {
            UnitKind.Cluster => TypeUrls.Cluster,
            UnitKind.Assignment => TypeUrls.ClusterLoadAssignment,
            UnitKind.Listener or UnitKind.FilterChain => TypeUrls.Listener,
            UnitKind.Secret => SecretOrigin.Ads,
            UnitKind.AgentSecret => SecretOrigin.Agent,
            UnitKind.FileSecret => SecretOrigin.Files,
            _ => TypeUrls.RouteConfiguration,
        };
        if (!_warming.TryGetServing(new ResourceReference(typeUrl, key.Resource), out IReadOnlyDictionary<(UnitKind, string), HeldUnit>? units))
        {
            units = _held[typeUrl].GetValueOrDefault(key.Resource)?.Units;
        }

        if (units is not null && units.TryGetValue((key.Kind, key.Name), out HeldUnit? unit))
        {
            bytes = unit.Bytes;
            return true;
        }

        bytes = default;
        return false;
    }

    /// <summary>Decodes the bytes of a unit.</summary>
    public static IMessage Decode(UnitKind kind, ReadOnlyMemory<byte> bytes) => ResourceType.Decode(kind, bytes);

    private void Set(string typeUrl, ResourceType type, DiscoveryResource resource)
    {
        if (resource.Name.Length == 0)
        {
            throw new MalformedResourceException("the resource has no name");
        }

        ref HeldResource? slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_held[typeUrl], resource.Name, out _);
        HeldResource? before = slot;
        if (before is not null && before.Body.Span.SequenceEqual(resource.Body.Span))
        {
            slot = before with { Version = resource.Version };
            return;
        }

        try
        {
            // A copy: the body is a piece of a whole response, which one changed resource must not keep alive.
            slot = Replace(typeUrl, type, resource with { Body = resource.Body.ToArray() }, before);
        }
        catch
        {
            if (before is null)
            {
                _held[typeUrl].Remove(resource.Name);
            }

            throw;
        }

        GoIntoService(_warming.Come(new ResourceReference(typeUrl, resource.Name)));
    }

    // All units are decoded before the first is recorded, so that a refused resource leaves no trace.
    private HeldResource Replace(string typeUrl, ResourceType type, DiscoveryResource resource, HeldResource? before)
    {
        var units = new Dictionary<(UnitKind Kind, string Name), HeldUnit>();
        var decoded = new Dictionary<(UnitKind Kind, string Name), IMessage>();
        foreach (ResourcePart part in type.Split(resource.Body))
        {
            (UnitKind Kind, string Name) id = (part.Kind, part.Name);
            if (before is not null && before.Units.TryGetValue(id, out HeldUnit? unit) && unit.Bytes.Span.SequenceEqual(part.Bytes.Span))
            {
                // The new bytes, so that the old resource's memory can go.
                units.Add(id, unit with { Bytes = part.Bytes });
                continue;
            }

            IMessage message = type.Decode(part);
            units.Add(id, new HeldUnit(part.Bytes, type.References(message)));
            decoded.Add(id, message);
        }

        // Count the new names before the old ones go: a name that both have never drops out.
        var reference = new ResourceReference(typeUrl, resource.Name);
        Count(units.Values, +1);
        bool warmed = _warming.TryGetServing(reference, out IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit>? serving);
        if (warmed)
        {
            // The version in between was never in service.
            Count(before!.Units.Values, -1);
        }
        else
        {
            serving = before?.Units;
        }

        Dependency[] missing = _warms ? [.. units.Values.SelectMany(unit => unit.Dependencies).Where(IsAwaited)] : [];
        if (missing.Length > 0 && !(warmed && IsSame(serving, units)))
        {
            _warming.Begin(reference, serving, missing);
        }
        else
        {
            _warming.End(reference);
            Publish(reference, type, serving, units, decoded);
        }

        return new HeldResource(resource.Version, resource.Body, units);
    }

    // Takes units into service in place of others.
    private void Publish(
        ResourceReference resource,
        ResourceType type,
        IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit>? serving,
        IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit> units,
        IReadOnlyDictionary<(UnitKind Kind, string Name), IMessage> decoded)
    {
        _incomplete.Remove(resource);
        foreach (((UnitKind Kind, string Name) id, HeldUnit unit) in units)
        {
            if (serving is null || !serving.TryGetValue(id, out HeldUnit? other) || !other.Bytes.Span.SequenceEqual(unit.Bytes.Span))
            {
                IMessage message = decoded.GetValueOrDefault(id) ?? type.Decode(new ResourcePart(id.Kind, id.Name, unit.Bytes));
                Record(new UnitChange(new UnitKey(id.Kind, resource.Name, id.Name), message, unit.Bytes));
            }
        }

        if (serving is not null)
        {
            Count(serving.Values, -1);
            RecordGone(resource.Name, serving.Keys.Where(id => !units.ContainsKey(id)));
        }
    }

    private void Remove(string typeUrl, string name)
    {
        if (!_held[typeUrl].Remove(name, out HeldResource? held))
        {
            return;
        }

        var reference = new ResourceReference(typeUrl, name);
        Count(held.Units.Values, -1);
        if (_warming.TryGetServing(reference, out IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit>? serving))
        {
            _warming.End(reference);
            Count(serving?.Values ?? [], -1);
        }
        else
        {
            serving = held.Units;
        }

        _incomplete.Remove(reference);
        RecordGone(name, serving?.Keys ?? []);
    }

    private void DropUnnamed()
    {
        foreach ((string typeUrl, string name) in _unnamed)
        {
            if (!_named[typeUrl].ContainsKey(name))
            {
                _warming.Forget(new ResourceReference(typeUrl, name));
                Remove(typeUrl, name);
            }
        }

        _unnamed.Clear();
    }

    private void Record(UnitChange change) => _pending[change.Key] = change;

    private void RecordGone(string resource, IEnumerable<(UnitKind Kind, string Name)> units)
    {
        foreach ((UnitKind kind, string name) in units)
        {
            Record(new UnitChange(new UnitKey(kind, resource, name), null, default));
        }
    }

    private void Count(IEnumerable<HeldUnit> units, int step)
    {
        foreach (ResourceReference reference in units.SelectMany(unit => unit.Dependencies).Select(dependency => dependency.Resource))
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_named[reference.TypeUrl], reference.Name, out _);
            count += step;
            if (count == 0)
            {
                _named[reference.TypeUrl].Remove(reference.Name);
                _unnamed.Add(reference);
            }
        }
    }
}
