using System.Runtime.InteropServices;
using Amesh.Apisix;
using Amesh.Dns;
using Amesh.Health;
using Amesh.Translation.Clusters;
using Amesh.Translation.Listeners;
using Amesh.Translation.Routes;
using Amesh.Translation.Secrets;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using HealthStatus = Amesh.Health.HealthStatus;
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
    private readonly Dictionary<string, HashSet<string>> _virtualHosts = [];
    private readonly Uses<VirtualHostKey> _clustersOfVirtualHosts = new();
    private readonly Uses<ChainKey> _clustersOfChains = new();
    private readonly Dictionary<ChainKey, FilterChainModel> _chains = [];
    private readonly ListenerTable _listeners = new();
    private readonly CertificateTable _certificates;
    private readonly UnitDiagnostics _diagnostics = new();
    private readonly ObjectTable _objects = new();
    private readonly DataReader _data = new();
    private bool _rereading;

    // What must be made again at the end of the batch.
    private readonly HashSet<ChainKey> _dirtyStreamRoutes = [];
    private readonly Dictionary<VirtualHostKey, EnvoyVirtualHost?> _dirtyVirtualHosts = [];

    private Func<UnitKey, ReadOnlyMemory<byte>?> _readUnit = _ => null;

    /// <summary>A translator that holds nothing yet.</summary>
    public Translator()
    {
        _certificates = new CertificateTable(_objects);
        _clusters = new ClusterTable(
            _objects,
            _data,
            name => _clustersOfVirtualHosts.Any(name) || _clustersOfChains.Any(name),
            (name, e) => Fail(new UnitKey(UnitKind.Cluster, SubsetName.Parse(name).Cluster, ""), e));
    }

    /// <summary>Told, in one line, of a unit that cannot be translated and stays as it was: a defect of ours, or input that no control plane should send.</summary>
    public Action<string>? OnTrouble { get; set; }

    /// <summary>What is done otherwise than Envoy does it, in all units that are held.</summary>
    public IEnumerable<Diagnostic> Diagnostics => _diagnostics.All;

    /// <summary>All objects, in the order of writing.</summary>
    public IEnumerable<ConfigObject> Objects => _objects.Objects;

    /// <summary>How many objects there are of a kind.</summary>
    public int Count(ObjectKind kind) => _objects.Count(kind);

    /// <summary>How many diagnostics there are of a severity.</summary>
    public int Count(Severity severity) => _diagnostics.Count(severity);

    /// <summary>Says where the bytes of a unit that is held can be read again. Needed before the first batch.</summary>
    public void ReadFrom(ResourceStore store) =>
        // The cast matters: a bare null would become an empty memory, by way of an empty array.
        _readUnit = key => store.TryRead(key, out ReadOnlyMemory<byte> bytes) ? bytes : (ReadOnlyMemory<byte>?)null;

    /// <summary>The names among the endpoints, and what they stand for.</summary>
    internal NameTable EndpointNames => _clusters.Names;

    /// <summary>How many endpoints are checked (<c>health_checks</c>), and how many of them are unhealthy.</summary>
    public (int Checked, int Unhealthy) CheckedEndpoints => Health.Count;

    /// <summary>The endpoints that are checked.</summary>
    internal HealthTable Health => _clusters.Health;

    /// <summary>The endpoints that are ejected.</summary>
    internal EjectionTable Ejections => _clusters.Ejections;

    /// <summary>Makes again the upstreams of clusters.</summary>
    internal void Remake(IEnumerable<string> clusters)
    {
        foreach (string cluster in clusters)
        {
            _clusters.MarkDirty(cluster);
        }

        _clusters.Make();
    }

    /// <summary>All endpoints to be checked, and how TLS is spoken with them.</summary>
    internal IReadOnlyDictionary<HealthTarget, HealthTls?> Checked() => _clusters.Checked(_certificates.SecretOf);

    /// <summary>Endpoints were checked. Says whether that changes any object.</summary>
    internal bool Answer(IEnumerable<(HealthTarget Target, HealthStatus Status)> results)
    {
        bool changes = _clusters.Answer(results);
        _clusters.Make();
        return changes;
    }

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

        if (changes.Count == 0)
        {
            return false;
        }

        _rereading = true;
        Apply(changes);
        _rereading = false;
        return true;
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
            Try(change.Key, () => Note(change));
        }

        foreach ((Owner owner, IReadOnlyList<Apisix.Listener> listeners) in _listeners.Make())
        {
            Try(new UnitKey(UnitKind.Listener, owner.Resource, ""), () => _objects.Set(owner, listeners));
        }

        _certificates.Make();

        // Virtual hosts and TCP proxies say which clusters are used.
        foreach (ChainKey key in _dirtyStreamRoutes)
        {
            Try(new UnitKey(UnitKind.FilterChain, key.Listener, key.Name), () => MakeStreamRoute(key));
        }

        foreach ((VirtualHostKey key, EnvoyVirtualHost? message) in _dirtyVirtualHosts)
        {
            Try(new UnitKey(UnitKind.VirtualHost, key.RouteConfig, key.Name), () => MakeVirtualHost(key, message));
        }

        _clusters.Make();
        _dirtyVirtualHosts.Clear();
        _dirtyStreamRoutes.Clear();
    }

    // One unit must not cost the others, of which most have no fault: neither now nor in later batches.
    private void Try(UnitKey unit, Action make)
    {
        try
        {
            make();
        }
        catch (Exception e)
        {
            Fail(unit, e);
        }
    }

    private void Fail(UnitKey unit, Exception e)
    {
        var found = new List<Diagnostic>();
        UnitDiagnostics.ScopeOf(unit, found).Refused("", $"it cannot be translated, and what was made of it before stays: {e.GetType().Name}: {e.Message}");
        _diagnostics.Keep(unit, found);
        OnTrouble?.Invoke($"{found[0]} {e.StackTrace}".ReplaceLineEndings(" "));
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
            _certificates.SetSecret(id, secret);
            Health.Changed = true;
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
            foreach (VirtualHostKey key in _clustersOfVirtualHosts.Of(name))
            {
                MarkVirtualHost(key);
            }

            _dirtyStreamRoutes.UnionWith(_clustersOfChains.Of(name));
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
        var key = new ChainKey(listener, name);
        try
        {
            Set(message is null ? null : FilterChainTranslator.Translate(listener, name, message, _data, diagnostics));
        }
        catch (Exception) when (message is not null && !_chains.ContainsKey(key))
        {
            // Without it a broader chain would take its connections, past what would have refused them here.
            Set(FilterChainTranslator.Closed(name, message, diagnostics));
            throw;
        }

        void Set(FilterChainModel? model)
        {
            _listeners.SetChain(listener, name, model);
            SetChain(key, model);
        }
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

        _objects.Set(new Owner(ObjectKind.Secret, $"listener {key.Listener}", key.Name), model?.Secrets ?? []);
        foreach (Secret gone in before?.Secrets ?? [])
        {
            _certificates.SetSecret(gone.Id, null);
        }

        foreach (Secret secret in model?.Secrets ?? [])
        {
            _certificates.SetSecret(secret.Id, secret);
        }

        _certificates.SetChain(key, model?.Chain);
        if (before?.Inline is not null || model?.Inline is not null)
        {
            SetInline(HttpChains.InlineName(key.Listener, key.Name), model?.Inline);
        }

        if (before?.Proxy is not null || model?.Proxy is not null || before?.Asked is not null || model?.Asked is not null)
        {
            _dirtyStreamRoutes.Add(key);
        }
    }

    private void MakeStreamRoute(ChainKey key)
    {
        var owner = new Owner(ObjectKind.StreamRoute, key.Listener, key.Name);
        if (_chains.GetValueOrDefault(key)?.Proxy is { } proxy)
        {
            bool IsOriginalDst(string cluster) => _clusters.KindOf(cluster) == ClusterKind.OriginalDst;
            _objects.Set(owner, [TcpProxies.Translate(key.Listener, key.Name, proxy, IsOriginalDst, _clusters.OriginalDstOf, _clusters.TargetOf)]);
            Mark(_clustersOfChains.Replace(key, [.. proxy.Clusters.SelectMany(cluster => new[] { cluster.Name, _clusters.TargetOf(cluster.Name, cluster.Marks) }).Distinct()]));
        }
        else
        {
            _objects.Set(owner, []);
            Mark(_clustersOfChains.Replace(key, [.. _chains.GetValueOrDefault(key)?.Asked ?? []]));
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
        if (message is null)
        {
            _objects.Set(owner, []);
            Mark(_clustersOfVirtualHosts.Replace(key, []));
            if (_virtualHosts.TryGetValue(key.RouteConfig, out HashSet<string>? names) && names.Remove(key.Name) && names.Count == 0)
            {
                _virtualHosts.Remove(key.RouteConfig);
            }
        }
        else
        {
            var scope = new RouteScope(key.RouteConfig, _routeConfigs.GetValueOrDefault(key.RouteConfig) ?? new(), _clusters.KindOf, _clusters.OriginalDstOf, _clusters.TargetOf);
            TranslatedVirtualHost translated = VirtualHostTranslator.Translate(scope, message, UnitDiagnostics.ScopeOf(unit, found));
            _objects.Set(owner, [.. translated.Routes, translated.VirtualHost]);
            Mark(_clustersOfVirtualHosts.Replace(key, translated.Clusters));
            Entry(_virtualHosts, key.RouteConfig).Add(key.Name);
        }

        _diagnostics.Keep(unit, found);
    }

    private void Mark(IEnumerable<string> clusters)
    {
        foreach (string cluster in clusters)
        {
            _clusters.MarkDirty(cluster);
        }
    }

    private IEnumerable<VirtualHostKey> VirtualHostsOf(string routeConfig) =>
        (_virtualHosts.GetValueOrDefault(routeConfig) ?? []).Select(name => new VirtualHostKey(routeConfig, name));

    private static TValue Entry<TKey, TValue>(Dictionary<TKey, TValue> table, TKey key)
        where TKey : notnull
        where TValue : class, new()
    {
        ref TValue? value = ref CollectionsMarshal.GetValueRefOrAddDefault(table, key, out _);
        return value ??= new TValue();
    }

    private readonly record struct VirtualHostKey(string RouteConfig, string Name);
}
