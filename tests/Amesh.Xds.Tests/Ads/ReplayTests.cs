using Amesh.Cli.Replay;
using Amesh.Grpc;
using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Amesh.Xds.Recordings;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;

namespace Amesh.Xds.Tests.Ads;

/// <summary>The client and the replay server, over real gRPC.</summary>
public sealed class ReplayTests
{
    [Theory]
    [InlineData("istio/bookinfo", AdsProtocol.Sotw)]
    [InlineData("istio/bookinfo", AdsProtocol.Delta)]
    [InlineData("istio/gateway", AdsProtocol.Sotw)]
    [InlineData("istio/gateway", AdsProtocol.Delta)]
    [InlineData("kuma/bookinfo", AdsProtocol.Sotw)]
    [InlineData("kuma/bookinfo", AdsProtocol.Delta)]
    [InlineData("consul/bookinfo", AdsProtocol.Sotw)]
    [InlineData("osm/bookinfo", AdsProtocol.Delta)]
    public async Task The_client_ends_every_step_with_what_the_recorded_proxy_held(string sample, AdsProtocol protocol)
    {
        await using ReplaySession session = await ReplaySession.StartAsync(sample, protocol);
        foreach (RecordedState state in session.States)
        {
            session.Server.MoveTo(state.Step);
            await session.HoldsAsync(state);
        }

        Assert.Empty(session.Server.Nacks);
        Assert.Equal(protocol, session.Client.Status.Protocol);
    }

    [Fact]
    public async Task A_server_that_speaks_only_sotw_is_spoken_to_in_sotw()
    {
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", AdsProtocol.Delta, options => options with { Protocols = [AdsProtocol.Sotw] });
        await session.HoldsAsync(session.States[0]);
        Assert.Equal(AdsProtocol.Sotw, session.Client.Status.Protocol);
    }

    [Fact]
    public async Task Refusals_are_remembered_by_the_server()
    {
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", AdsProtocol.Delta);
        await session.HoldsAsync(session.States[0]);
        session.Held.Refuse["9080"] = "a test";
        session.Server.MoveTo("all-v1");
        await Eventually.True(() => session.Server.Nacks.Count > 0, () => "a refusal");
        ReplayEvent nack = session.Server.Nacks.First();
        Assert.Equal((TypeUrls.RouteConfiguration, "all-v1", "RouteConfiguration 9080: a test"), (nack.TypeUrl, nack.Step, nack.Detail));
    }

    [Fact]
    public async Task An_answer_to_an_older_response_counts_for_nothing()
    {
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", null);
        await using var channel = new GrpcChannel(new GrpcChannelOptions { Address = session.Server.Addresses[0] });
        await using GrpcCall call = channel.StartCall("/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources");
        var request = new DiscoveryRequest { TypeUrl = TypeUrls.Cluster, Node = new() { Id = "x" } };
        await call.WriteAsync(request.ToByteArray());
        DiscoveryResponse first = await NextAsync(call);
        session.Server.MoveTo("subsets");
        DiscoveryResponse second = await NextAsync(call);
        Assert.NotEqual(first.Nonce, second.Nonce);

        await call.WriteAsync(new DiscoveryRequest { TypeUrl = TypeUrls.Cluster, VersionInfo = first.VersionInfo, ResponseNonce = first.Nonce }.ToByteArray());
        await call.WriteAsync(new DiscoveryRequest { TypeUrl = TypeUrls.Cluster, VersionInfo = second.VersionInfo, ResponseNonce = second.Nonce }.ToByteArray());
        Watch Clusters() => session.Server.Streams.Single().Watches.Single();
        await Eventually.True(() => Clusters().Answered, () => "the answer");
        Assert.Equal((1, 1, second.VersionInfo), (Clusters().Stale, Clusters().Acks, Clusters().Accepted));
    }

    [Fact]
    public async Task A_client_that_tells_what_it_holds_is_sent_only_the_difference()
    {
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", null);
        var held = session.Server.Current.Of(TypeUrls.Cluster);
        await using var channel = new GrpcChannel(new GrpcChannelOptions { Address = session.Server.Addresses[0] });
        await using GrpcCall call = channel.StartCall("/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources");
        var request = new DeltaDiscoveryRequest { TypeUrl = TypeUrls.Cluster, Node = new() { Id = "x" } };
        foreach (ServedResource resource in held.Values.Skip(1))
        {
            request.InitialResourceVersions.Add(resource.Name, resource.Version);
        }

        request.InitialResourceVersions.Add("gone-meanwhile", "1");
        await call.WriteAsync(request.ToByteArray());
        DeltaDiscoveryResponse response = DeltaDiscoveryResponse.Parser.ParseFrom((await call.ReadAsync())!.Value.Span);
        Assert.Equal([held.Values[0].Name], response.Resources.Select(resource => resource.Name));
        Assert.Equal(["gone-meanwhile"], response.RemovedResources);
    }

    private static async Task<DiscoveryResponse> NextAsync(GrpcCall call) => DiscoveryResponse.Parser.ParseFrom((await call.ReadAsync())!.Value.Span);
}

/// <summary>A replay server and, if wanted, a client of it.</summary>
internal sealed class ReplaySession : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    public required ReplayServer Server { get; init; }

    public required IReadOnlyList<RecordedState> States { get; init; }

    public HeldResources Held { get; } = new();

    public AdsClient Client { get; private set; } = null!;

    public static async Task<ReplaySession> StartAsync(
        string sample, AdsProtocol? protocol, Func<ReplayServerOptions, ReplayServerOptions>? change = null, IAdsObserver? observer = null)
    {
        Recording recording = Recording.Open(Repository.Sample(sample));
        IReadOnlyList<RecordedState> states = RecordedState.AtEachStep(recording, AdsProtocol.Sotw);
        var options = new ReplayServerOptions { Addresses = [new Uri("http://127.0.0.1:0")] };
        var session = new ReplaySession { Server = new ReplayServer(states, change?.Invoke(options) ?? options), States = states };
        await session.Server.StartAsync();
        if (protocol is { } wanted)
        {
            session.Client = new AdsClient(new AdsClientOptions
            {
                Address = session.Server.Addresses[0],
                Node = NodeIdentity.FromJson(recording.ReadNode()!),
                Protocol = wanted,
                Observer = observer,
            });
            session._run = session.Client.RunAsync(session.Held, session._stop.Token);
        }

        return session;
    }

    public Task HoldsAsync(RecordedState state)
    {
        var expected = HeldResources.PictureOf(state.Of);
        return Eventually.True(() => HeldResources.Difference(expected, Held.Picture).Length == 0, () => $"step {state.Step}: {HeldResources.Difference(expected, Held.Picture)}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // The way in which a client ends.
        }

        await Server.DisposeAsync();
        _stop.Dispose();
    }
}
