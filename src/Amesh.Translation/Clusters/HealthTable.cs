using System.Net;
using Amesh.Apisix;
using Amesh.Health;

namespace Amesh.Translation.Clusters;

/// <summary>The endpoints that are checked, and what checks say of them now.</summary>
/// <remarks>
/// Envoy's rules: an endpoint is as healthy as the worst of what the control plane and the checks say. A new one is unhealthy
/// until its first good answer (or, where the cluster says so, does not count as one until its first check), but for those of
/// a cluster that is new itself, which Envoy does not use before. One that the control plane takes back stays as long as it is
/// healthy, unless the cluster says otherwise.
/// </remarks>
internal sealed class HealthTable
{
    private readonly Dictionary<string, ClusterHealth> _clusters = [];
    private (int Checked, int Unhealthy)? _count;

    /// <summary>Whether somebody checks. If not, endpoints are as healthy as the control plane says.</summary>
    public bool IsChecked { get; set; }

    /// <summary>Whether other endpoints are to be checked than when this was last set to false, or in another way.</summary>
    public bool Changed { get; set; }

    /// <summary>All that is to be checked, and how TLS is spoken with it.</summary>
    /// <param name="secretOf">Secrets by their ids; null for what has not come.</param>
    public IReadOnlyDictionary<HealthTarget, HealthTls?> Targets(Func<string, Secret?> secretOf) =>
        _clusters.Values.SelectMany(cluster => cluster.Hosts.Values).ToDictionary(host => host.Target, host => TlsOf(host, secretOf));

    /// <summary>How many endpoints are checked, and how many of them are unhealthy; counted again only after a change.</summary>
    public (int Checked, int Unhealthy) Count
    {
        get
        {
            if (_count is not { } count)
            {
                HealthStatus?[] all = [.. _clusters.Values.SelectMany(cluster => cluster.Hosts.Values).Select(host => host.Status)];
                _count = count = (all.Length, all.Count(status => status == HealthStatus.Unhealthy));
            }

            return count;
        }
    }

    /// <summary>The endpoints of new clusters that have not been checked yet.</summary>
    public IEnumerable<string> Awaited => _clusters.Values.Where(cluster => !cluster.IsWarm)
        .SelectMany(cluster => cluster.Hosts.Values).Where(host => host.Status is null).Select(host => $"the health of {host.Target.Address}");

    /// <summary>Takes what the control plane says of a cluster that is used; its endpoints are checked from now on.</summary>
    public void Follow(ClusterModel cluster, Assignment said)
    {
        if (!IsChecked || cluster.Checking is not { } checking)
        {
            Forget(cluster.Name);
            return;
        }

        // Another message is another cluster to Envoy: its endpoints are those that are said now, and it warms up again.
        ClusterHealth? before = _clusters.GetValueOrDefault(cluster.Name);
        bool isSame = before is not null && ReferenceEquals(before.Cluster, cluster);
        var now = new ClusterHealth(cluster) { IsWarm = isSame && before!.IsWarm };
        foreach (EndpointGroup group in said.Groups)
        {
            foreach (Endpoint endpoint in group.Endpoints)
            {
                UpstreamSocket socket = SocketOf(cluster, checking, endpoint);
                TlsContext? context = socket.Tls?.For(socket.Tls.HostSni ? endpoint.HostName : "");
                if (TargetOf(cluster, checking, endpoint, socket, context) is { } target)
                {
                    Host? known = before?.Hosts.GetValueOrDefault((endpoint.Host, endpoint.Port));
                    bool moved = known is null || known.Target.CheckHost != target.CheckHost || known.Target.CheckPort != target.CheckPort;
                    now.Hosts.TryAdd((endpoint.Host, endpoint.Port), new Host(target, group, endpoint) { Status = moved ? null : known!.Status, Context = context, Inline = socket.Tls?.Inline ?? [] });
                }
            }
        }

        if (isSame && !checking.ForgetsRemoved && !cluster.IsLogical)
        {
            HashSet<(string, uint)> listed = [.. said.Groups.SelectMany(group => group.Endpoints).Select(endpoint => (endpoint.Host, endpoint.Port))];
            foreach (((string, uint) key, Host host) in before!.Hosts)
            {
                if (!listed.Contains(key) && host.Endpoint.Health != EndpointHealth.Unhealthy && host.Status is HealthStatus.Healthy or HealthStatus.Degraded)
                {
                    now.Hosts[key] = new Host(host.Target, host.Group, host.Endpoint) 
                    {
                        Status = host.Status, IsRemoved = true, Context = host.Context, Inline = host.Inline,
                    };
                }
            }
        }

        Changed |= before is null || !before.Hosts.Values.Select(host => host.Target).ToHashSet().SetEquals(now.Hosts.Values.Select(host => host.Target));
        now.Warm();
        _clusters[cluster.Name] = now;
        _count = null;
    }

    /// <summary>Nothing of this cluster is checked any more.</summary>
    public void Forget(string cluster)
    {
        if (_clusters.Remove(cluster))
        {
            Changed = true;
            _count = null;
        }
    }

    /// <summary>Takes what a check has said; whether that changes anything for the cluster.</summary>
    public bool Answer(HealthTarget target, HealthStatus status)
    {
        if (_clusters.GetValueOrDefault(target.Cluster) is not { } cluster
            || cluster.Hosts.GetValueOrDefault((target.Host, target.Port)) is not { } host
            || !host.Target.Equals(target)
            || host.Status == status)
        {
            return false;
        }

        host.Status = status;
        _count = null;
        cluster.Warm();
        if (host.IsRemoved && status == HealthStatus.Unhealthy)
        {
            cluster.Hosts.Remove((target.Host, target.Port));
            Changed = true;
        }

        return true;
    }

    /// <summary>The endpoints with what checks say of them.</summary>
    public Assignment Resolve(ClusterModel cluster, Assignment said)
    {
        if (_clusters.GetValueOrDefault(cluster.Name) is not { } known)
        {
            return said;
        }

        var groups = new List<EndpointGroup>();
        Host[] removed = [.. known.Hosts.Values.Where(host => host.IsRemoved)];
        foreach (EndpointGroup group in said.Groups)
        {
            IEnumerable<Endpoint> endpoints = group.Endpoints.Select(endpoint => known.Judge(endpoint)).OfType<Endpoint>();
            groups.Add(group with { Endpoints = [.. endpoints, .. removed.Where(host => host.Group.IsSamePlace(group)).Select(Judged)] });
        }

        foreach (IGrouping<(uint, string), Host> rest in removed.Where(host => !said.Groups.Any(host.Group.IsSamePlace)).GroupBy(host => (host.Group.Priority, host.Group.Locality)))
        {
            groups.Add(rest.First().Group with { Endpoints = [.. rest.Select(Judged)] });
        }

        return said with { Groups = [.. groups] };
    }

    private static Endpoint Judged(Host host) =>
        host.Status == HealthStatus.Degraded ? host.Endpoint with { Health = EndpointHealth.Degraded } : host.Endpoint;

    private static HealthTls? TlsOf(Host host, Func<string, Secret?> secretOf)
    {
        Secret? Named(string? id) => id is null ? null : host.Inline.FirstOrDefault(secret => secret.Id == id) ?? secretOf(id);
        return host.Context is { } context ? new HealthTls(context, Named(context.Certificate), Named(context.Validation)) : null;
    }

    private static UpstreamSocket SocketOf(ClusterModel cluster, HealthChecking checking, Endpoint endpoint) => cluster.Sockets.All[
        cluster.Sockets.IndexFor(checking.SocketMarks.Length == 0 ? endpoint : endpoint with { Marks = checking.SocketMarks, LocalityMarks = "" })];

    private static HealthTarget? TargetOf(ClusterModel cluster, HealthChecking checking, Endpoint endpoint, UpstreamSocket socket, TlsContext? context)
    {
        EndpointCheck? own = endpoint.Check;
        string host = own is { Host.Length: > 0 } ? own.Host : endpoint.Host;
        if (own?.IsDisabled == true || socket.IsRefused || !IPAddress.TryParse(host, out _))
        {
            return null;
        }

        return new HealthTarget(cluster.Name, endpoint.Host, endpoint.Port, checking.Check)
        {
            CheckHost = host,
            CheckPort = own is { Port: > 0 } ? own.Port : endpoint.Port,
            Authority = own is { Name.Length: > 0 } ? own.Name : checking.Host,
            BindSource = cluster.BindSource,
            Context = context?.Id,
        };
    }

    private sealed class Host(HealthTarget target, EndpointGroup group, Endpoint endpoint)
    {
        public HealthTarget Target { get; } = target;

        // Where it stands, for the time after it is taken back.
        public EndpointGroup Group { get; } = group with { Endpoints = [] };

        public Endpoint Endpoint { get; } = endpoint;

        // Null before the first check.
        public HealthStatus? Status { get; set; }

        public bool IsRemoved { get; init; }

        public TlsContext? Context { get; init; }

        public IReadOnlyList<Secret> Inline { get; init; } = [];
    }

    private sealed class ClusterHealth(ClusterModel cluster)
    {
        public ClusterModel Cluster { get; } = cluster;

        public Dictionary<(string Host, uint Port), Host> Hosts { get; } = [];

        // Whether all endpoints that it began with have been checked.
        public bool IsWarm { get; set; }

        public void Warm() => IsWarm |= Hosts.Count > 0 && Hosts.Values.All(host => host.Status is not null);

        // Null where it does not count.
        public Endpoint? Judge(Endpoint endpoint)
        {
            if (!Hosts.TryGetValue((endpoint.Host, endpoint.Port), out Host? host))
            {
                return endpoint;
            }

            return host.Status switch
            {
                HealthStatus.Unhealthy => endpoint with { Health = EndpointHealth.Unhealthy },
                HealthStatus.Degraded when endpoint.Health == EndpointHealth.Healthy => endpoint with { Health = EndpointHealth.Degraded },
                null when IsWarm => Cluster.Checking!.ExcludesUnchecked ? null : endpoint with { Health = EndpointHealth.Unhealthy },
                _ => endpoint,
            };
        }
    }
}
