namespace Amesh.Harness.Recordings;

/// <summary>The resources of a mesh at one moment, as bytes, and the few questions that a harness asks about them.</summary>
internal sealed class MeshState
{
    private const string Cluster = "Cluster";
    private const string Assignment = "ClusterLoadAssignment";
    private const string Listener = "Listener";
    private const string RouteConfiguration = "RouteConfiguration";

    private readonly Dictionary<string, SortedDictionary<string, ReadOnlyMemory<byte>>> _resources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _typeUrls = new(StringComparer.Ordinal);
    private IReadOnlyList<RouteTarget>? _targets;
    private HashSet<string>? _partialMirrors;

    /// <summary>A state of its own with the same resources.</summary>
    public MeshState Clone()
    {
        var clone = new MeshState();
        foreach (var (type, resources) in _resources)
        {
            clone._resources[type] = new(resources, StringComparer.Ordinal);
            clone._typeUrls[type] = _typeUrls.GetValueOrDefault(type, type);
        }
        return clone;
    }

    /// <summary>Applies one response and notes in the step what it changed.</summary>
    public void Apply(Wire response, bool delta, string typeUrl, RecordedStep step)
    {
        _targets = null;
        _partialMirrors = null;
        var type = typeUrl[(typeUrl.LastIndexOf('.') + 1)..];
        var resources = Of(type);
        _typeUrls[type] = typeUrl;
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in response.Messages(2))
        {
            var bytes = delta ? item.Message(2)!.Bytes(2) : item.Bytes(2);
            var name = delta ? item.String(3) : new Wire(bytes).String(1);
            named.Add(name);
            if (!resources.TryGetValue(name, out var before) || !before.Span.SequenceEqual(bytes.Span))
            {
                step.Set.Add($"{type}/{name}");
                step.Removed.Remove($"{type}/{name}");
            }
            resources[name] = bytes;
        }
        var gone = delta ? response.Strings(6).ToList() : type is Cluster or Listener ? [.. resources.Keys.Where(name => !named.Contains(name))] : [];
        foreach (var name in gone.Where(resources.Remove))
        {
            step.Removed.Add($"{type}/{name}");
            step.Set.Remove($"{type}/{name}");
        }
    }

    /// <summary>Type URLs of what a proxy watches in this mesh: secrets aside, every type of which there is something.</summary>
    public IEnumerable<string> SubscribedTypes => _resources.Where(static type => type.Value.Count > 0 && type.Key != "Secret").Select(type => _typeUrls[type.Key]);

    /// <summary>Every endpoint address in assignments and in clusters with endpoints of their own.</summary>
    public IEnumerable<string> Addresses =>
        Of(Assignment).Values.Select(static bytes => new Wire(bytes))
            .Concat(Of(Cluster).Values.Select(static bytes => new Wire(bytes).Message(33)).OfType<Wire>())
            .SelectMany(static assignment => Endpoints(assignment)).Select(static endpoint => endpoint.Address)
            .Where(static address => System.Net.IPEndPoint.TryParse(address, out _)).Distinct();

    /// <summary>Endpoint addresses, each with an identity that a cluster expects of it.</summary>
    public IEnumerable<(string Address, string Identity)> Identities =>
        Of(Cluster).SelectMany(cluster => ExpectedIdentities.Of(new Wire(cluster.Value)).SelectMany(identity => EndpointsOf(cluster.Key).Select(endpoint => (endpoint.Address, identity))));

    /// <summary>The content of a secret with a certificate: chain and key as text; null when there is none of that name.</summary>
    public (string Chain, string Key)? CertificateOf(string name)
    {
        static string Text(Wire? source) => System.Text.Encoding.ASCII.GetString((source?.Bytes(2) is { IsEmpty: false } bytes ? bytes : source?.Bytes(3) ?? default).Span);
        return Of("Secret").TryGetValue(name, out var secret) && new Wire(secret).Message(2) is { } certificate
            ? (Text(certificate.Message(1)), Text(certificate.Message(2)))
            : null;
    }

    /// <summary>What each route, and each TCP filter chain, may send a request to.</summary>
    public IReadOnlyList<RouteTarget> Targets => _targets ??= [.. RouteClusters().Concat(TcpClusters()).Select(Target).Where(static target => target.Shares.Count > 0)];

    /// <summary>True when a cluster has outlier detection.</summary>
    public bool EjectsEndpoints => Of(Cluster).Values.Any(static bytes => new Wire(bytes).Message(19) is not null);

    /// <summary>Endpoints that get copies of some requests only: whether a single request is copied is chance.</summary>
    public IReadOnlySet<string> PartialMirrors => _partialMirrors ??= RouteActions().SelectMany(static action => action.Messages(30))
        .Where(static mirror => mirror.Message(3)?.Message(1) is { } share && !IsWhole(share))
        .SelectMany(mirror => EndpointsOf(mirror.String(1))).Select(static endpoint => endpoint.Address).ToHashSet();

    /// <summary>A share in percent, in ten thousandths or in millionths.</summary>
    private static bool IsWhole(Wire share) => (share.Number(1) ?? 0) >= share.Number(2) switch { 1 => 10_000ul, 2 => 1_000_000ul, _ => 100ul };

    /// <summary>The clusters of every route, in route configurations and inside listeners.</summary>
    private IEnumerable<List<WeightedCluster>> RouteClusters() =>
        RouteActions().Select(static action => action.Message(3) is { } weighted
            ? weighted.Messages(1).Select(static c => new WeightedCluster(c.String(1), c.Message(2)?.Number(1) ?? 0)).ToList()
            : [new(action.String(1), 1)]);

    private IEnumerable<Wire> RouteActions()
    {
        var inline = Filters("HttpConnectionManager").Select(static manager => manager.Message(4)).OfType<Wire>();
        return Of(RouteConfiguration).Values.Select(static bytes => new Wire(bytes)).Concat(inline)
            .SelectMany(static configuration => configuration.Messages(2)).SelectMany(static host => host.Messages(3))
            .Select(static route => route.Message(2)).OfType<Wire>();
    }

    /// <summary>The clusters of every TCP proxy.</summary>
    private IEnumerable<List<WeightedCluster>> TcpClusters() =>
        Filters("TcpProxy").Select(static proxy => proxy.Message(10) is { } weighted
            ? weighted.Messages(1).Select(static c => new WeightedCluster(c.String(1), c.Number(2) ?? 0)).ToList()
            : [new(proxy.String(2), 1)]);

    /// <summary>Configurations of all network filters of a type.</summary>
    private IEnumerable<Wire> Filters(string type) =>
        Of(Listener).Values.Select(static bytes => new Wire(bytes))
            .SelectMany(static listener => listener.Messages(3).Concat(listener.Messages(25)))
            .SelectMany(static chain => chain.Messages(3)).Select(static filter => filter.Message(4)).OfType<Wire>()
            .Where(any => any.String(1).EndsWith(type, StringComparison.Ordinal)).Select(static any => new Wire(any.Bytes(2)));

    private sealed record WeightedCluster(string Name, double Weight);

    private RouteTarget Target(List<WeightedCluster> clusters)
    {
        var total = clusters.Sum(static cluster => cluster.Weight);
        var shares = new SortedDictionary<string, double>(StringComparer.Ordinal);
        var hashed = false;
        foreach (var (name, weight) in clusters.Where(static cluster => cluster.Weight > 0))
        {
            hashed |= Of(Cluster).TryGetValue(name, out var bytes) && new Wire(bytes).Number(6) is 2 or 5;
            var endpoints = EndpointsOf(name).ToList();
            var sum = endpoints.Sum(static endpoint => endpoint.Weight);
            foreach (var endpoint in endpoints)
            {
                shares[endpoint.Address] = shares.GetValueOrDefault(endpoint.Address) + weight / total * endpoint.Weight / sum;
            }
        }
        return new RouteTarget(shares, hashed);
    }

    private IEnumerable<(string Address, double Weight)> EndpointsOf(string cluster)
    {
        if (!Of(Cluster).TryGetValue(cluster, out var bytes))
        {
            return [];
        }
        var definition = new Wire(bytes);
        var service = definition.Message(3)?.String(2) is { Length: > 0 } named ? named : cluster;
        return definition.Message(33) is { } own ? Endpoints(own) : Of(Assignment).TryGetValue(service, out var assigned) ? Endpoints(new Wire(assigned)) : [];
    }

    private static IEnumerable<(string Address, double Weight)> Endpoints(Wire assignment) =>
        assignment.Messages(2).SelectMany(static locality => locality.Messages(2)).Where(static endpoint => endpoint.Number(2) is null or 0 or 1 or 5).Select(static endpoint =>
        {
            var socket = endpoint.Message(1)?.Message(1)?.Message(1);
            var host = socket?.String(2) ?? "";
            return ($"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{socket?.Number(3) ?? 0}", (double)(endpoint.Message(4)?.Number(1) ?? 1));
        });

    private SortedDictionary<string, ReadOnlyMemory<byte>> Of(string type) =>
        _resources.TryGetValue(type, out var resources) ? resources : _resources[type] = new(StringComparer.Ordinal);
}

/// <summary>The endpoints that one route may send a request to, each with its share.</summary>
/// <param name="Shares">Share of each endpoint, 1 in all.</param>
/// <param name="Hashed">True when a cluster of it balances by hash.</param>
internal sealed record RouteTarget(IReadOnlyDictionary<string, double> Shares, bool Hashed);
