using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Amesh.Xds.Recordings;

namespace Amesh.Xds.Tests.Control;

/// <summary>The client against a control plane that shares no code with it.</summary>
public sealed class NodeControlPlaneTests
{
    private const string Bookinfo = "istio/bookinfo";

    [Theory]
    [InlineData(Bookinfo, AdsProtocol.Sotw)]
    [InlineData(Bookinfo, AdsProtocol.Delta)]
    [InlineData("istio/gateway", AdsProtocol.Delta)]
    [InlineData("kuma/bookinfo-2.14", AdsProtocol.Sotw)]
    public async Task Every_step_ends_with_what_the_recorded_proxy_held(string sample, AdsProtocol protocol)
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(sample);
        await using var proxy = new Proxy(plane.Address, sample, protocol);
        foreach (RecordedState state in proxy.States)
        {
            await plane.PostAsync($"/step/{state.Step}");
            await proxy.HoldsAsync(state);
        }

        await Eventually.True(() => plane.StateAsync().Result.GetProperty("settled").GetBoolean(), () => "everything is answered");
        Assert.Equal(0, proxy.Client.Status.Nacks);
        Assert.Equal(1, (await plane.StateAsync()).GetProperty("streams_opened").GetInt32());
    }

    [Theory]
    [InlineData(AdsProtocol.Sotw)]
    [InlineData(AdsProtocol.Delta)]
    public async Task A_garbage_resource_is_refused_by_name_and_the_last_good_one_stays(AdsProtocol protocol)
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Bookinfo);
        await using var proxy = new Proxy(plane.Address, Bookinfo, protocol);
        await proxy.HoldsAsync(proxy.States[0]);
        await plane.PostAsync("/fault?kind=garbage&type=cds&name=outbound%7C9080%7C%7Creviews.default.svc.cluster.local");
        await Eventually.True(() => proxy.Client.Status.Nacks > 0, () => "a refusal");
        string text = (await plane.StateAsync()).GetProperty("clients").GetRawText();
        Assert.Contains(protocol == AdsProtocol.Delta ? "Cluster outbound|9080||reviews.default.svc.cluster.local: " : "Cluster #", text);
        await proxy.HoldsAsync(proxy.States[0]);

        await plane.PostAsync("/fault?kind=none");
        await plane.PostAsync("/step/subsets");
        await proxy.HoldsAsync(proxy.States[1]);
    }

    [Theory]
    [InlineData("/disconnect?hard=1", AdsProtocol.Delta)]
    [InlineData("/disconnect", AdsProtocol.Delta)]
    [InlineData("/disconnect", AdsProtocol.Sotw)]
    [InlineData("/fault?kind=half-message", AdsProtocol.Delta)]
    public async Task A_stream_that_breaks_is_made_anew_and_goes_on(string how, AdsProtocol protocol)
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Bookinfo);
        await using var proxy = new Proxy(plane.Address, Bookinfo, protocol);
        await proxy.HoldsAsync(proxy.States[0]);
        await plane.PostAsync(how);
        await Eventually.True(() => proxy.Client.Status is { Streams: > 1 }, () => "a second stream");
        await proxy.HoldsAsync(proxy.States[0]);
        Assert.NotNull(proxy.Client.Status.LastError);
        await plane.PostAsync("/step/service-gone");
        await proxy.HoldsAsync(proxy.States[15]);
    }

    [Fact]
    public async Task Changes_while_the_stream_was_down_are_caught_up_with_also_removals()
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Bookinfo, "--step", "new-service");
        await using var proxy = new Proxy(plane.Address, Bookinfo, AdsProtocol.Delta);
        await proxy.HoldsAsync(proxy.States[14]);
        await plane.PostAsync("/fault?kind=unavailable");
        await plane.PostAsync("/disconnect");
        await plane.PostAsync("/step/all-removed");
        await plane.PostAsync("/fault?kind=none");
        await proxy.HoldsAsync(proxy.States[16]);
    }

    [Fact]
    public async Task A_server_without_delta_is_spoken_to_in_sotw()
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Bookinfo, "--sotw-only");
        await using var proxy = new Proxy(plane.Address, Bookinfo, AdsProtocol.Delta);
        await proxy.HoldsAsync(proxy.States[0]);
        Assert.Equal(AdsProtocol.Sotw, proxy.Client.Status.Protocol);
    }

    [Fact]
    public async Task A_response_that_nobody_asked_for_is_refused_and_nothing_else_happens()
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Bookinfo);
        await using var proxy = new Proxy(plane.Address, Bookinfo, AdsProtocol.Delta);
        await proxy.HoldsAsync(proxy.States[0]);
        await plane.PostAsync("/fault?kind=unknown-response");
        await Eventually.True(() => proxy.Client.Status.Nacks > 0, () => "a refusal");
        await plane.PostAsync("/step/subsets");
        await proxy.HoldsAsync(proxy.States[1]);
        Assert.Equal(1, proxy.Client.Status.Streams);
    }

    [Fact]
    public async Task Repeated_nonces_do_no_harm()
    {
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Bookinfo);
        await using var proxy = new Proxy(plane.Address, Bookinfo, AdsProtocol.Sotw);
        await proxy.HoldsAsync(proxy.States[0]);
        await plane.PostAsync("/fault?kind=nonce-reuse");
        await plane.PostAsync("/step/all-v1");
        await proxy.HoldsAsync(proxy.States[2]);
    }

    private sealed class Proxy : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly HeldResources _held = new();
        private readonly Task _run;

        public Proxy(Uri address, string sample, AdsProtocol protocol)
        {
            Recording recording = Recording.Open(Repository.Sample(sample));
            States = RecordedState.AtEachStep(recording, AdsProtocol.Sotw);
            Client = new AdsClient(new AdsClientOptions
            {
                Address = address,
                Node = NodeIdentity.FromJson(recording.ReadNode()!),
                Protocol = protocol,
                FirstBackoff = TimeSpan.FromMilliseconds(20),
                MaxBackoff = TimeSpan.FromMilliseconds(100),
            });
            _run = Client.RunAsync(_held, _stop.Token);
        }

        public IReadOnlyList<RecordedState> States { get; }

        public AdsClient Client { get; }

        public Task HoldsAsync(RecordedState state)
        {
            var expected = HeldResources.PictureOf(state.Of);
            return Eventually.True(() => HeldResources.Difference(expected, _held.Picture).Length == 0, () => $"step {state.Step}: {HeldResources.Difference(expected, _held.Picture)}");
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _run);
            _stop.Dispose();
        }
    }
}
