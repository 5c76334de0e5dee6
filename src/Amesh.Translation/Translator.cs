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
/// What is kept of a unit, each by the table of its concept, is what others are made from (a cluster's kind, its endpoints, a
/// chain's route configuration), not its message. Tables note what must be made again, and make it at the end of the batch. Not
/// for several threads.
/// </remarks>
public sealed class Translator : IUnitHandler
{
    private readonly UnitDiagnostics _diagnostics = new();
    private readonly UnitGuard _guard;
    private readonly ObjectTable _objects = new();
    private readonly DataReader _data = new();
    private readonly ClusterTable _clusters;
    private readonly VirtualHostTable _virtualHosts;
    private readonly StreamRouteTable _streamRoutes;
    private readonly CertificateTable _certificates;
    private readonly FilterChainTable _filterChains;
    private Func<UnitKey, ReadOnlyMemory<byte>?> _readUnit = _ => null;
    private bool _rereading;

    /// <summary>A translator that holds nothing yet.</summary>
    public Translator()
    {
        _guard = new UnitGuard(_diagnostics);
        _clusters = new ClusterTable(
            _objects,
            _data,
            name => _virtualHosts!.Uses(name) || _streamRoutes!.Uses(name),
            (name, e) => _guard.Failed(new UnitKey(UnitKind.Cluster, SubsetName.Parse(name).Cluster, ""), e));
        _virtualHosts = new VirtualHostTable(_objects, _clusters, key => _readUnit(key), _diagnostics, _guard);
        _streamRoutes = new StreamRouteTable(_objects, _clusters, _guard);
        _certificates = new CertificateTable(_objects);
        _filterChains = new FilterChainTable(_objects, _data, _certificates, _virtualHosts, _streamRoutes, _guard);
    }

    /// <summary>Told, in one line, of a unit that cannot be translated and stays as it was: a defect of ours, or input that no control plane should send.</summary>
    public Action<string>? OnTrouble
    {
        get => _guard.OnTrouble;
        set => _guard.OnTrouble = value;
    }

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
        _clusters.MarkDirty(clusters);
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
            _guard.Try(change.Key, () => Note(change));
        }

        _filterChains.Make();
        _certificates.Make();

        // Virtual hosts and TCP proxies say which clusters are used.
        _streamRoutes.Make();
        _virtualHosts.Make();
        _clusters.Make();
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
                _virtualHosts.Note(change.Key.Resource, (RouteConfiguration?)change.Message);
                break;
            case UnitKind.VirtualHost:
                // Its own diagnostics come when it is made.
                _virtualHosts.Note(change.Key.Resource, change.Key.Name, (EnvoyVirtualHost?)change.Message);
                return;
            case UnitKind.Listener:
                _filterChains.Note(change.Key.Resource, (EnvoyListener?)change.Message, diagnostics);
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
                _filterChains.Note(change.Key.Resource, change.Key.Name, (FilterChain?)change.Message, diagnostics);
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
            _virtualHosts.MarkUsersOf(name);
            _streamRoutes.MarkUsersOf(name);
        }
    }
}
