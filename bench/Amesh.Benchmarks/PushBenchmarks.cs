using Amesh.Translation;
using Amesh.Xds;
using BenchmarkDotNet.Attributes;
using Envoy.Config.Route.V3;

namespace Amesh.Benchmarks;

/// <summary>
/// What a push costs, from the response's bytes to the change set. The baseline is what every client pays that knows
/// resources alone: decoding the route configuration that one changed virtual host brings.
/// </summary>
public class PushBenchmarks
{
    private Mesh _mesh = null!;
    private Pipeline _pipeline = null!;
    private DiscoveryUpdate[] _endpoints = null!;
    private DiscoveryUpdate[] _routes = null!;
    private DiscoveryUpdate _clusters = null!;
    private byte[] _routeConfiguration = null!;
    private int _turn;

    [Params("istio/scale-1000", "istio/scale-5000")]
    public string Recording { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _mesh = new Mesh(Recording);
        string[] steps = [.. _mesh.Steps];
        _pipeline = _mesh.Load(steps[0]);
        _endpoints = [.. Both(steps, TypeUrls.ClusterLoadAssignment)];
        _routes = [.. Both(steps, TypeUrls.RouteConfiguration)];
        _clusters = _mesh.All(steps[0], TypeUrls.Cluster, complete: true);
        _routeConfiguration = _routes[0].Resources.MaxBy(r => r.Body.Length).Body.ToArray();
    }

    [Benchmark(Baseline = true)]
    public object DecodeTheRouteConfiguration() => RouteConfiguration.Parser.ParseFrom(_routeConfiguration);

    [Benchmark]
    public void OneVirtualHostChanges() => Push(_routes[_turn ^= 1]);

    [Benchmark]
    public void OneServicesEndpointsChange() => Push(_endpoints[_turn ^= 1]);

    [Benchmark]
    public void EveryClusterIsSentAgainUnchanged() => Push(_clusters);

    [Benchmark]
    public void TheFirstPush() => _mesh.Load(_mesh.Steps[0]).Dispose();

    private void Push(DiscoveryUpdate update)
    {
        _pipeline.Apply(update);
        _pipeline.Quiet();
    }

    // There and back between the first two steps that differ in one resource of a type.
    private IEnumerable<DiscoveryUpdate> Both(string[] steps, string typeUrl)
    {
        for (int i = 1; i < steps.Length; i++)
        {
            DiscoveryUpdate forward = _mesh.Changed(steps[i - 1], steps[i], typeUrl);
            if (forward.Resources.Count == 1)
            {
                return [forward, _mesh.Changed(steps[i], steps[i - 1], typeUrl)];
            }
        }

        throw new InvalidOperationException($"{Recording} has no step that changes one resource of {typeUrl}");
    }
}
