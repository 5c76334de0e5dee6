using System.Runtime.InteropServices;
using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Amesh.Xds.Store;
using Envoy.Config.Route.V3;
using EnvoyVirtualHost = Envoy.Config.Route.V3.VirtualHost;

namespace Amesh.Translation.Routes;

/// <summary>The route configurations that are held, and which of their virtual hosts must be made again.</summary>
/// <remarks>
/// Of a virtual host nothing is kept but its name and the clusters that it names. One that must be made again, because a
/// cluster came that it names, is read again from the store's bytes.
/// </remarks>
/// <param name="objects">Where routes and virtual hosts go.</param>
/// <param name="clusters">The clusters that they name.</param>
/// <param name="readUnit">The bytes of a unit that is held; null where it is not.</param>
/// <param name="diagnostics">Where it is kept what is done otherwise than Envoy does it.</param>
/// <param name="guard">Keeps one virtual host's faults from the others.</param>
internal sealed class VirtualHostTable(
    ObjectTable objects, ClusterTable clusters, Func<UnitKey, ReadOnlyMemory<byte>?> readUnit, UnitDiagnostics diagnostics, UnitGuard guard)
{
    private readonly Dictionary<string, RouteConfiguration> _configurations = [];
    private readonly Dictionary<string, HashSet<string>> _names = [];
    private readonly Uses<VirtualHostKey> _uses = new();

    // What must be made again at the end of the batch; null where it is gone.
    private readonly Dictionary<VirtualHostKey, EnvoyVirtualHost?> _dirty = [];

    /// <summary>Whether a virtual host sends requests to a cluster of this name.</summary>
    public bool Uses(string cluster) => _uses.Any(cluster);

    /// <summary>What a route configuration says beside its virtual hosts has come, has changed or, without a message, has gone.</summary>
    public void Note(string configuration, RouteConfiguration? message)
    {
        if (message is null)
        {
            _configurations.Remove(configuration);
        }
        else
        {
            _configurations[configuration] = message;
        }

        foreach (VirtualHostKey key in Of(configuration))
        {
            MarkDirty(key);
        }
    }

    /// <summary>A virtual host has come, has changed or, without a message, has gone.</summary>
    public void Note(string configuration, string name, EnvoyVirtualHost? message) => _dirty[new VirtualHostKey(configuration, name)] = message;

    /// <summary>A route configuration that is written in a listener goes the way of one that came by RDS; null where it is gone.</summary>
    public void SetInline(string configuration, RouteConfiguration? message)
    {
        foreach (VirtualHostKey key in Of(configuration))
        {
            _dirty[key] = null;
        }

        _configurations.Remove(configuration);
        if (message is null)
        {
            return;
        }

        foreach (EnvoyVirtualHost virtualHost in message.VirtualHosts)
        {
            _dirty[new VirtualHostKey(configuration, virtualHost.Name)] = virtualHost;
        }

        _configurations[configuration] = message;
    }

    /// <summary>A cluster has become another kind: what names it must be made again.</summary>
    public void MarkUsersOf(string cluster)
    {
        foreach (VirtualHostKey key in _uses.Of(cluster))
        {
            MarkDirty(key);
        }
    }

    /// <summary>Makes again what must be, and marks the clusters that virtual hosts have begun or ceased to name.</summary>
    public void Make()
    {
        foreach ((VirtualHostKey key, EnvoyVirtualHost? message) in _dirty)
        {
            guard.Try(key.Unit, () => Make(key, message));
        }

        _dirty.Clear();
    }

    private void MarkDirty(VirtualHostKey key)
    {
        if (_dirty.ContainsKey(key))
        {
            return;
        }

        _dirty[key] = readUnit(key.Unit) is { } bytes
            ? EnvoyVirtualHost.Parser.ParseFrom(bytes.Span)
            : _configurations.GetValueOrDefault(key.Configuration)?.VirtualHosts.FirstOrDefault(v => v.Name == key.Name);
    }

    private void Make(VirtualHostKey key, EnvoyVirtualHost? message)
    {
        var owner = new Owner(ObjectKind.VirtualHost, key.Configuration, key.Name);
        var found = new List<Diagnostic>();
        if (message is null)
        {
            objects.Set(owner, []);
            clusters.MarkDirty(_uses.Replace(key, []));
            Forget(key);
        }
        else
        {
            var scope = new RouteScope(key.Configuration, _configurations.GetValueOrDefault(key.Configuration) ?? new(), clusters);
            TranslatedVirtualHost translated = VirtualHostTranslator.Translate(scope, message, UnitDiagnostics.ScopeOf(key.Unit, found));
            objects.Set(owner, [.. translated.Routes, translated.VirtualHost]);
            clusters.MarkDirty(_uses.Replace(key, translated.Clusters));
            Remember(key);
        }

        diagnostics.Keep(key.Unit, found);
    }

    private IEnumerable<VirtualHostKey> Of(string configuration) =>
        (_names.GetValueOrDefault(configuration) ?? []).Select(name => new VirtualHostKey(configuration, name));

    private void Remember(VirtualHostKey key)
    {
        ref HashSet<string>? names = ref CollectionsMarshal.GetValueRefOrAddDefault(_names, key.Configuration, out _);
        (names ??= []).Add(key.Name);
    }

    private void Forget(VirtualHostKey key)
    {
        if (_names.TryGetValue(key.Configuration, out HashSet<string>? names) && names.Remove(key.Name) && names.Count == 0)
        {
            _names.Remove(key.Configuration);
        }
    }

    private readonly record struct VirtualHostKey(string Configuration, string Name)
    {
        public UnitKey Unit => new(UnitKind.VirtualHost, Configuration, Name);
    }
}
