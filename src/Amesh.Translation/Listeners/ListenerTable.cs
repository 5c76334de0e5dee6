using System.Runtime.InteropServices;
using Amesh.Apisix;

namespace Amesh.Translation.Listeners;

/// <summary>
/// The listeners and chains that are held, and which listener objects must be made again: those of the destinations that a
/// changed chain has or had, all of a listener whose head changed.
/// </summary>
/// <remarks>Consul and OSM put every service into one listener, so a listener is not the unit of work.</remarks>
internal sealed class ListenerTable
{
    private readonly Dictionary<string, Held> _listeners = [];
    private readonly SortedSet<string> _dirty = new(StringComparer.Ordinal);

    /// <summary>Replaces what is held of a listener beside its chains; null where it is gone or takes no connections.</summary>
    public void SetHead(string listener, ListenerModel? model, ListenerChain? defaultChain)
    {
        Held held = HeldOf(listener);
        held.Head = model;
        held.DefaultChain = defaultChain;
        held.IsHeadDirty = true;
    }

    /// <summary>Replaces a chain; null where it is gone.</summary>
    public void SetChain(string listener, string name, FilterChainModel? model)
    {
        Held held = HeldOf(listener);
        if (held.Chains.Remove(name, out FilterChainModel? old))
        {
            foreach (Destination destination in old.Destinations)
            {
                held.ByDestination[destination].Remove(name);
                held.Dirty.Add(destination);
            }
        }

        if (model is null)
        {
            return;
        }

        held.Chains[name] = model;
        foreach (Destination destination in model.Destinations)
        {
            Entry(held.ByDestination, destination).Add(name);
            held.Dirty.Add(destination);
        }
    }

    /// <summary>Makes what must be made again: for each destination all its objects, none where it is gone.</summary>
    public IEnumerable<(Owner Owner, IReadOnlyList<Listener> Objects)> Make()
    {
        foreach (string name in _dirty)
        {
            Held held = _listeners[name];
            if (held.IsHeadDirty)
            {
                held.Dirty.UnionWith(held.ByDestination.Keys);
                held.Dirty.Add(Destination.Any);
                held.IsHeadDirty = false;
            }

            foreach (Destination destination in held.Dirty)
            {
                yield return (new Owner(ObjectKind.Listener, name, $"{destination.Prefix} {destination.Port}"), Objects(name, held, destination));
                if (held.ByDestination.GetValueOrDefault(destination)?.Count == 0)
                {
                    held.ByDestination.Remove(destination);
                }
            }

            held.Dirty.Clear();
            if (held.Head is null && held.Chains.Count == 0)
            {
                _listeners.Remove(name);
            }
        }

        _dirty.Clear();
    }

    private static List<Listener> Objects(string name, Held held, Destination destination)
    {
        IEnumerable<string> names = held.ByDestination.GetValueOrDefault(destination) ?? [];
        ListenerChain[] chains = [.. names.Select(chain => held.Chains[chain].Chain)];
        ListenerChain? last = destination == Destination.Any ? held.DefaultChain : null;
        if (held.Head is not { } head || (chains.Length == 0 && last is null))
        {
            return [];
        }

        var objects = new List<Listener>();
        foreach (SocketPlace place in head.Addresses)
        {
            objects.Add(ObjectOf(name, head, place, destination, chains, last));
        }

        return objects;
    }

    private static Listener ObjectOf(
        string name, ListenerModel head, SocketPlace place, Destination destination, ListenerChain[] chains, ListenerChain? last)
    {
        Inspector[] inspectors = [.. head.Inspectors.Where(inspector => destination.Port is not { } port || inspector.LooksAt(port))];
        UninspectedPorts[] exceptions = destination.Port is null ? [.. inspectors.SelectMany(inspector => inspector.Exceptions())] : [];
        return new Listener
        {
            Id = ObjectId.From($"{name} {place.Address} {place.Port} {destination.Prefix} {destination.Port}"),
            Name = name,
            Address = place.Address,
            Port = place.Port,
            OriginalDst = head.OriginalDst,
            Bound = head.IsBound ? true : null,
            Direction = head.Direction,
            DestinationPort = destination.Port,
            DestinationPrefix = destination.Prefix,
            Inspect = inspectors.Length == 0 ? null : [.. inspectors.Select(inspector => inspector.Name)],
            InspectExcept = exceptions.Length == 0 ? null : exceptions,
            InspectTimeout = inspectors.Length == 0 ? null : head.InspectTimeout,
            ContinueOnTimeout = inspectors.Length > 0 && head.ContinuesOnTimeout ? true : null,
            BufferLimit = head.BufferLimit,
            Chains = chains,
            DefaultChain = last,
        };
    }

    private Held HeldOf(string listener)
    {
        _dirty.Add(listener);
        return Entry(_listeners, listener);
    }

    private static TValue Entry<TKey, TValue>(Dictionary<TKey, TValue> table, TKey key)
        where TKey : notnull
        where TValue : new()
    {
        ref TValue? value = ref CollectionsMarshal.GetValueRefOrAddDefault(table, key, out bool exists);
        if (!exists)
        {
            value = new TValue();
        }

        return value!;
    }

    private sealed class Held
    {
        public ListenerModel? Head { get; set; }

        public ListenerChain? DefaultChain { get; set; }

        public bool IsHeadDirty { get; set; }

        public Dictionary<string, FilterChainModel> Chains { get; } = [];

        // Sorted: the order of arrival must not show.
        public Dictionary<Destination, SortedChains> ByDestination { get; } = [];

        public HashSet<Destination> Dirty { get; } = [];
    }

    private sealed class SortedChains() : SortedSet<string>(StringComparer.Ordinal);
}
