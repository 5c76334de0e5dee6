using System.Runtime.InteropServices;
using Amesh.Apisix;
using Amesh.Dns;
using Amesh.Translation.Clusters;
using Amesh.Translation.Listeners;
using Amesh.Translation.Routes;
using Amesh.Translation.Secrets;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using EnvoySecret = Envoy.Extensions.TransportSockets.Tls.V3.Secret;
using EnvoyListener = Envoy.Config.Listener.V3.Listener;
using EnvoyVirtualHost = Envoy.Config.Route.V3.VirtualHost;

namespace Amesh.Translation;

/// <summary>
/// Keeps APISIX's objects in step with Envoy's units: a change of a unit touches what is made from it and nothing else.
/// </summary>
/// <remarks>
/// What is kept of a unit is what others are made from (a cluster's kind, its endpoints, a chain's route configuration),
/// not its message. A virtual host that must be made again, because a cluster came that it names, is read again from the
/// store's bytes. Not for several threads.
/// </remarks>
public sealed class Translator : IUnitHandler
{
    // What the default_filter_chain goes by, in the form of chains without a name.
    private const string DefaultChain = "#default";

    private readonly ClusterTable _clusters;
    private readonly Dictionary<string, RouteConfiguration> _routeConfigs = [];
    private readonly Dictionary<string, Dictionary<string, IReadOnlyCollection<string>>> _virtualHosts = [];
    private readonly Dictionary<string, HashSet<VirtualHostKey>> _virtualHostsByCluster = [];
    private readonly Dictionary<string, HashSet<ChainKey>> _chainsByCluster = [];
    private readonly Dictionary<ChainKey, HashSet<string>> _clustersByChain = [];
    private readonly Dictionary<ChainKey, FilterChainModel> _chains = [];
    private readonly ListenerTable _listeners = new();
    private readonly Dictionary<string, Secret> _secrets = [];
    private readonly Dictionary<string, HashSet<ChainKey>> _chainsBySecret = [];
    private readonly UnitDiagnostics _diagnostics = new();
    private readonly ObjectTable _objects = new();
    private readonly DataReader _data = new();
    private bool _rereading;

    // What must be made again at the end of the batch.
    private readonly HashSet<ChainKey> _dirtyStreamRoutes = [];
    private readonly HashSet<ChainKey> _dirtyCertificates = [];
    private readonly Dictionary<VirtualHostKey, EnvoyVirtualHost?> _dirtyVirtualHosts = [];

    private Func<UnitKey, ReadOnlyMemory<byte>?> _readUnit = _ => null;

    /// <summary>A translator that holds nothing yet.</summary>
    public Translator() => _clusters = new ClusterTable(_objects, _data, name => _virtualHostsByCluster.ContainsKey(name) || _chainsByCluster.ContainsKey(name));

    /// <summary>What is done otherwise than Envoy does it, in all units that are held.</summary>
    public IEnumerable<Diagnostic> Diagnostics => _diagnostics.All;

    /// <summary>All objects, in the order of writing.</summary>
    public IEnumerable<ConfigObject> Objects => _objects.Objects;

    /// <summary>How many objects there are of a kind.</summary>
    public int Count(ObjectKind kind) => _objects.Count(kind);

    /// <summary>Says where the bytes of a unit that is held can be read again. Needed before the first batch.</summary>
    public void ReadFrom(ResourceStore store) =>
        // The cast matters: a bare null would become an empty memory, by way of an empty array.
        _readUnit = key => store.TryRead(key, out ReadOnlyMemory<byte> bytes) ? bytes : (ReadOnlyMemory<byte>?)null;

    /// <summary>The names among the endpoints, and what they stand for.</summary>
    internal NameTable EndpointNames => _clusters.Names;

    /// <summary>A name was looked up; null for a failure. Says whether that changes any object.</summary>
    internal bool Answer(NameQuery query, IReadOnlyList<string>? addresses)
    {
        bool changes = _clusters.Answer(query, addresses);
        _clusters.Make();
        return changes;
    }

    /// <summary>Makes again what was made from files that have changed. Says whether there was any.</summary>
    public bool Reread()
    {
        List<UnitChange> changes = [];
        foreach (UnitKey unit in _data.Changed())
        {
            if (_readUnit(unit) is { } bytes)
            {
                changes.Add(new UnitChange(unit, ResourceStore.Decode(unit.Kind, bytes), bytes));
            }
        }

        _rereading = true;
        Apply(changes);
        _rereading = false;
        return changes.Count > 0;
    }

    /// <summary>What has changed since the last <see cref="Accept"/>.</summary>
    public ChangeSet Changes() => _objects.Changes();

    /// <summary>The changes have been written.</summary>
    public void Accept() => _objects.Accept();

    /// <inheritdoc/>
    public void Apply(IReadOnlyList<UnitChange> changes)
    {
        foreach (UnitChange change in changes)
        {
            Note(change);
        }

        foreach ((Owner owner, IReadOnlyList<Apisix.Listener> listeners) in _listeners.Make())
        {
            _objects.Set(owner, listeners);
        }

        // Virtual hosts and TCP proxies say which clusters are used.
        foreach (ChainKey key in _dirtyStreamRoutes)
        {
            MakeStreamRoute(key);
        }

        foreach (ChainKey key in _dirtyCertificates)
        {
            MakeCertificate(key);
        }

        foreach ((VirtualHostKey key, EnvoyVirtualHost? message) in _dirtyVirtualHosts)
        {
            MakeVirtualHost(key, message);
        }

        _clusters.Make();
        _dirtyVirtualHosts.Clear();
        _dirtyStreamRoutes.Clear();
        _dirtyCertificates.Clear();
    }

    private void Note(UnitChange change)
    {
        _diagnostics.Audit(change);
        _data.Begin(change.Key);
        var found = new List<Diagnostic>();
        DiagnosticScope diagnostics = UnitDiagnostics.ScopeOf(change.Key, found);
        switch (change.Key.Kind)
        {
            case UnitKind.Cluster:
                NoteCluster(change.Key.Resource, (Cluster?)change.Message, diagnostics);
                break;
            case UnitKind.Assignment:
                _clusters.Note(change.Key.Resource, (ClusterLoadAssignment?)change.Message, diagnostics);
                break;
            case UnitKind.RouteConfiguration:
                NoteRouteConfiguration(change.Key.Resource, (RouteConfiguration?)change.Message);
                break;
            case UnitKind.VirtualHost:
                // Its own diagnostics come when it is made.
                _dirtyVirtualHosts[new VirtualHostKey(change.Key.Resource, change.Key.Name)] = (EnvoyVirtualHost?)change.Message;
                return;
            case UnitKind.Listener:
                NoteListener(change.Key.Resource, (EnvoyListener?)change.Message, diagnostics);
                break;
            case UnitKind.Secret:
                NoteSecret(SecretOrigin.Ads, change.Key.Resource, (EnvoySecret?)change.Message, diagnostics);
                break;
            case UnitKind.AgentSecret:
                NoteSecret(SecretOrigin.Agent, change.Key.Resource, (EnvoySecret?)change.Message, diagnostics);
                break;
            case UnitKind.FileSecret:
                NoteSecret(SecretOrigin.Files, change.Key.Resource, (EnvoySecret?)change.Message, diagnostics);
                break;
            default:
                NoteFilterChain(change.Key.Resource, change.Key.Name, (FilterChain?)change.Message, diagnostics);
                break;
        }

        _diagnostics.Keep(change.Key, found);
    }

    // A secret is an object of its own, and what names it does so whether it is there or not: nothing else changes with it,
    // but certificates in APISIX's own form, which hold it.
    private void NoteSecret(string origin, string name, EnvoySecret? message, DiagnosticScope diagnostics)
    {
        string id = Names.SecretId(origin, name);
        var owner = new Owner(ObjectKind.Secret, origin, name);
        Secret? secret = message is null ? null : SecretTranslator.Translate(id, message, _data, diagnostics);

        // A file that has gone bad leaves the secret as it was.
        if (secret is not null || !_rereading)
        {
            _objects.Set(owner, secret is null ? [] : [secret]);
            Keep(id, secret);
        }
    }

    private void NoteCluster(string name, Cluster? message, DiagnosticScope diagnostics)
    {
        ClusterKind before = _clusters.KindOf(name);
        OriginalDestination? destination = _clusters.OriginalDstOf(name);
        SubsetPolicy? subsets = _clusters.SubsetsOf(name);
        _clusters.Note(name, message, diagnostics);

        // A route says itself which subset it goes to, whether it goes to the original destination, and what it answers where there is no cluster.
        ClusterKind now = _clusters.KindOf(name);
        bool another = before != now && (before is ClusterKind.OriginalDst or ClusterKind.Missing || now is ClusterKind.OriginalDst or ClusterKind.Missing);
        if (another || destination != _clusters.OriginalDstOf(name) || subsets != _clusters.SubsetsOf(name))
        {
            foreach (VirtualHostKey key in _virtualHostsByCluster.GetValueOrDefault(name) ?? [])
            {
                MarkVirtualHost(key);
            }

            _dirtyStreamRoutes.UnionWith(_chainsByCluster.GetValueOrDefault(name) ?? []);
        }
    }

    private void NoteRouteConfiguration(string name, RouteConfiguration? message)
    {
        if (message is null)
        {
            _routeConfigs.Remove(name);
        }
        else
        {
            _routeConfigs[name] = message;
        }

        foreach (VirtualHostKey key in VirtualHostsOf(name))
        {
            MarkVirtualHost(key);
        }
    }

    private void NoteListener(string name, EnvoyListener? message, DiagnosticScope diagnostics)
    {
        ListenerModel? model = message is null ? null : ListenerModel.From(message, diagnostics);
        FilterChainModel? last = message?.DefaultFilterChain is { } chain && model is not null
            ? FilterChainTranslator.Translate(name, DefaultChain, chain, _data, diagnostics.At("default_filter_chain"))
            : null;
        _listeners.SetHead(name, model, last?.Chain);
        SetChain(new ChainKey(name, DefaultChain), last);
    }

    private void NoteFilterChain(string listener, string name, FilterChain? message, DiagnosticScope diagnostics)
    {
        FilterChainModel? model = message is null ? null : FilterChainTranslator.Translate(listener, name, message, _data, diagnostics);
        _listeners.SetChain(listener, name, model);
        SetChain(new ChainKey(listener, name), model);
    }

    // What a chain leads to: routes that are written in it, or a stream route.
    private void SetChain(ChainKey key, FilterChainModel? model)
    {
        FilterChainModel? before = _chains.GetValueOrDefault(key);
        if (model is null)
        {
            _chains.Remove(key);
        }
        else
        {
            _chains[key] = model;
        }

        SetSecrets(key, before, model);
        if (before?.Inline is not null || model?.Inline is not null)
        {
            SetInline(HttpChains.InlineName(key.Listener, key.Name), model?.Inline);
        }

        if (before?.Proxy is not null || model?.Proxy is not null)
        {
            _dirtyStreamRoutes.Add(key);
        }
    }

    private void SetSecrets(ChainKey key, FilterChainModel? before, FilterChainModel? model)
    {
        _objects.Set(new Owner(ObjectKind.Secret, $"listener {key.Listener}", key.Name), model?.Secrets ?? []);
        foreach (Secret secret in before?.Secrets ?? [])
        {
            Keep(secret.Id, null);
        }

        foreach (Secret secret in model?.Secrets ?? [])
        {
            Keep(secret.Id, secret);
        }

        foreach (string secret in SecretsOf(before))
        {
            if (_chainsBySecret.TryGetValue(secret, out HashSet<ChainKey>? users) && users.Remove(key) && users.Count == 0)
            {
                _chainsBySecret.Remove(secret);
            }

            _dirtyCertificates.Add(key);
        }

        foreach (string secret in SecretsOf(model))
        {
            Entry(_chainsBySecret, secret).Add(key);
            _dirtyCertificates.Add(key);
        }
    }

    private void Keep(string id, Secret? secret)
    {
        if (secret is null)
        {
            _secrets.Remove(id);
        }
        else
        {
            _secrets[id] = secret;
        }

        _dirtyCertificates.UnionWith(_chainsBySecret.GetValueOrDefault(id) ?? []);
    }

    private static IEnumerable<string> SecretsOf(FilterChainModel? model)
    {
        if (model?.Chain.Tls is { Ssl: not null } tls)
        {
            if (tls.Certificate is { } certificate)
            {
                yield return certificate;
            }

            if (tls.Validation is { } validation)
            {
                yield return validation;
            }
        }
    }

    private void MakeCertificate(ChainKey key)
    {
        Ssl? ssl = _chains.GetValueOrDefault(key) is { } model
            ? Certificates.Translate(model.Chain, id => id is null ? null : _secrets.GetValueOrDefault(id))
            : null;
        _objects.Set(new Owner(ObjectKind.Ssl, key.Listener, key.Name), ssl is null ? [] : [ssl]);
    }

    private void Relate(ChainKey key, HashSet<string> now)
    {
        foreach (string cluster in _clustersByChain.GetValueOrDefault(key) ?? [])
        {
            if (_chainsByCluster.TryGetValue(cluster, out HashSet<ChainKey>? users) && users.Remove(key) && users.Count == 0)
            {
                _chainsByCluster.Remove(cluster);
            }

            _clusters.MarkDirty(cluster);
        }

        foreach (string cluster in now)
        {
            Entry(_chainsByCluster, cluster).Add(key);
            _clusters.MarkDirty(cluster);
        }

        _clustersByChain.Remove(key);
        if (now.Count > 0)
        {
            _clustersByChain[key] = now;
        }
    }

    private void MakeStreamRoute(ChainKey key)
    {
        var owner = new Owner(ObjectKind.StreamRoute, key.Listener, key.Name);
        if (_chains.GetValueOrDefault(key)?.Proxy is { } proxy)
        {
            bool IsOriginalDst(string cluster) => _clusters.KindOf(cluster) == ClusterKind.OriginalDst;
            _objects.Set(owner, [TcpProxies.Translate(key.Listener, key.Name, proxy, IsOriginalDst, _clusters.OriginalDstOf, _clusters.TargetOf)]);
            Relate(key, [.. proxy.Clusters.SelectMany(cluster => new[] { cluster.Name, _clusters.TargetOf(cluster.Name, cluster.Marks) })]);
        }
        else
        {
            _objects.Set(owner, []);
            Relate(key, []);
        }
    }

    // A route configuration that is written in a listener goes the way of one that came by RDS.
    private void SetInline(string name, RouteConfiguration? configuration)
    {
        foreach (VirtualHostKey key in VirtualHostsOf(name))
        {
            _dirtyVirtualHosts[key] = null;
        }

        _routeConfigs.Remove(name);
        if (configuration is null)
        {
            return;
        }

        foreach (EnvoyVirtualHost virtualHost in configuration.VirtualHosts)
        {
            _dirtyVirtualHosts[new VirtualHostKey(name, virtualHost.Name)] = virtualHost;
        }

        _routeConfigs[name] = configuration;
    }

    private void MarkVirtualHost(VirtualHostKey key)
    {
        if (_dirtyVirtualHosts.ContainsKey(key))
        {
            return;
        }

        EnvoyVirtualHost? message = _readUnit(new UnitKey(UnitKind.VirtualHost, key.RouteConfig, key.Name)) is { } bytes
            ? EnvoyVirtualHost.Parser.ParseFrom(bytes.Span)
            : _routeConfigs.GetValueOrDefault(key.RouteConfig)?.VirtualHosts.FirstOrDefault(v => v.Name == key.Name);
        _dirtyVirtualHosts[key] = message;
    }

    private void MakeVirtualHost(VirtualHostKey key, EnvoyVirtualHost? message)
    {
        var owner = new Owner(ObjectKind.VirtualHost, key.RouteConfig, key.Name);
        var unit = new UnitKey(UnitKind.VirtualHost, key.RouteConfig, key.Name);
        var found = new List<Diagnostic>();
        IReadOnlyCollection<string> clusters = [];
        if (message is null)
        {
            _objects.Set(owner, []);
        }
        else
        {
            var scope = new RouteScope(key.RouteConfig, _routeConfigs.GetValueOrDefault(key.RouteConfig) ?? new(), _clusters.KindOf, _clusters.OriginalDstOf, _clusters.TargetOf);
            TranslatedVirtualHost translated = VirtualHostTranslator.Translate(scope, message, UnitDiagnostics.ScopeOf(unit, found));
            _objects.Set(owner, [.. translated.Routes, translated.VirtualHost]);
            clusters = translated.Clusters;
        }

        _diagnostics.Keep(unit, found);
        Relate(key, clusters, isGone: message is null);
    }

    private void Relate(VirtualHostKey key, IReadOnlyCollection<string> clusters, bool isGone)
    {
        Dictionary<string, IReadOnlyCollection<string>> virtualHosts = Entry(_virtualHosts, key.RouteConfig);
        IReadOnlyCollection<string> before = virtualHosts.GetValueOrDefault(key.Name) ?? [];
        foreach (string cluster in clusters.Except(before))
        {
            HashSet<VirtualHostKey> users = Entry(_virtualHostsByCluster, cluster);
            users.Add(key);
            _clusters.MarkDirty(cluster);
        }

        foreach (string cluster in before.Except(clusters))
        {
            HashSet<VirtualHostKey> users = Entry(_virtualHostsByCluster, cluster);
            users.Remove(key);
            if (users.Count == 0)
            {
                _virtualHostsByCluster.Remove(cluster);
            }

            _clusters.MarkDirty(cluster);
        }

        if (!isGone)
        {
            virtualHosts[key.Name] = clusters;
        }
        else if (virtualHosts.Remove(key.Name) && virtualHosts.Count == 0)
        {
            _virtualHosts.Remove(key.RouteConfig);
        }
    }

    private IEnumerable<VirtualHostKey> VirtualHostsOf(string routeConfig) =>
        (_virtualHosts.GetValueOrDefault(routeConfig)?.Keys ?? Enumerable.Empty<string>()).Select(name => new VirtualHostKey(routeConfig, name));


    private static TValue Entry<TKey, TValue>(Dictionary<TKey, TValue> table, TKey key)
        where TKey : notnull
        where TValue : class, new()
    {
        ref TValue? value = ref CollectionsMarshal.GetValueRefOrAddDefault(table, key, out _);
        return value ??= new TValue();
    }

    private readonly record struct VirtualHostKey(string RouteConfig, string Name);

    private readonly record struct ChainKey(string Listener, string Name);
}
