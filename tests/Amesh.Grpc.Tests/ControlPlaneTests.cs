using System.Text;

namespace Amesh.Grpc.Tests;

/// <summary>The control plane in Node that other suites rely on: its own tests, and our transport against it.</summary>
public sealed class ControlPlaneTests
{
    private const string Clusters = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

    [Fact(Timeout = 120_000)]
    public async Task Its_own_tests_pass() =>
        Assert.Contains("# fail 0", await NodeProcess.RunAsync("--test", "control-plane.test.mjs"), StringComparison.Ordinal);

    [Theory(Timeout = 120_000)]
    [InlineData("StreamAggregatedResources", 4)]
    [InlineData("DeltaAggregatedResources", 2)]
    public async Task A_mesh_of_5000_services_arrives_in_one_message(string method, byte typeUrlField)
    {
        using NodeProcess node = await NodeProcess.ServeAsync("control-plane.mjs", "--recording", NodeProcess.Sample("istio/scale-5000"), "--exit-with-stdin");
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = new Uri($"http://127.0.0.1:{node.Port}") });
        await using GrpcCall call = channel.StartCall($"/envoy.service.discovery.v3.AggregatedDiscoveryService/{method}");
        // A discovery request with nothing but its type_url.
        await call.WriteAsync((byte[])[(byte)((typeUrlField << 3) | 2), (byte)Clusters.Length, .. Encoding.ASCII.GetBytes(Clusters)]);
        ReadOnlyMemory<byte> response = (await call.ReadAsync())!.Value;
        // More than the 4 MiB at which clients with gRPC's usual limit stop.
        Assert.InRange(response.Length, 4 * 1024 * 1024, 16 * 1024 * 1024);
        Assert.True(response.Span.IndexOf(Encoding.ASCII.GetBytes(Clusters)) > 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_kind_of_stream_that_is_off_is_unimplemented()
    {
        using NodeProcess node = await NodeProcess.ServeAsync("control-plane.mjs", "--recording", NodeProcess.Sample("istio/bookinfo"), "--sotw-only", "--exit-with-stdin");
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = new Uri($"http://127.0.0.1:{node.Port}") });
        await using GrpcCall call = channel.StartCall("/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources");
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.Equal(GrpcStatusCode.Unimplemented, e.StatusCode);
    }
}
