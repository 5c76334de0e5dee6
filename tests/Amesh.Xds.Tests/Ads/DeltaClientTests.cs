using Amesh.Grpc;
using Amesh.Xds.Ads;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Tests.Ads;

public sealed class DeltaClientTests
{
    [Fact]
    public async Task Types_are_asked_for_in_the_order_in_which_they_name_each_other_and_the_node_is_sent_once()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await test.Plane.AcceptAsync();
        DeltaDiscoveryRequest clusters = await call.NextDeltaAsync();
        Assert.Equal((TypeUrls.Cluster, "test"), (clusters.TypeUrl, clusters.Node?.Id));
        Assert.Empty(clusters.ResourceNamesSubscribe);
        Assert.False(call.HasMore);

        call.Respond(Some.Delta(TypeUrls.Cluster, "1", Some.EdsCluster("b"), Some.EdsCluster("a")));
        DeltaDiscoveryRequest ack = await call.NextDeltaAsync();
        Assert.Equal((TypeUrls.Cluster, "1", null), (ack.TypeUrl, ack.ResponseNonce, ack.ErrorDetail));
        DeltaDiscoveryRequest assignments = await call.NextDeltaAsync();
        Assert.Equal(TypeUrls.ClusterLoadAssignment, assignments.TypeUrl);
        Assert.Equal(["a", "b"], assignments.ResourceNamesSubscribe);
        DeltaDiscoveryRequest listeners = await call.NextDeltaAsync();
        Assert.Equal(TypeUrls.Listener, listeners.TypeUrl);
        Assert.All([ack, assignments, listeners], request => Assert.Null(request.Node));
    }

    [Fact]
    public async Task Subscriptions_grow_and_shrink_by_what_changed()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await OpenedAsync(test, "a", "b");
        call.Respond(new DeltaDiscoveryResponse
        {
            TypeUrl = TypeUrls.Cluster,
            Nonce = "2",
            Resources = { new Resource { Name = "c", Resource_ = Some.AnyOf(Some.EdsCluster("c")) } },
            RemovedResources = { "a", "a", "never-there" },
        });
        Assert.Equal("2", (await call.NextDeltaAsync()).ResponseNonce);
        DeltaDiscoveryRequest change = await call.NextDeltaAsync();
        Assert.Equal((TypeUrls.ClusterLoadAssignment, ""), (change.TypeUrl, change.ResponseNonce));
        Assert.Equal(["c"], change.ResourceNamesSubscribe);
        Assert.Equal(["a"], change.ResourceNamesUnsubscribe);
        await Eventually.True(() => test.Held.Names(TypeUrls.Cluster).SequenceEqual(["b", "c"]), () => string.Join(",", test.Held.Names(TypeUrls.Cluster)));
    }

    [Fact]
    public async Task A_refused_resource_is_named_in_the_nack_and_the_others_are_taken()
    {
        await using var test = new ClientUnderTest();
        test.Held.Refuse["bad"] = "its name is bad";
        test.Held.Refuse["worse"] = "so is its";
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextDeltaAsync();
        call.Respond(Some.Delta(TypeUrls.Cluster, "1", Some.EdsCluster("good"), Some.EdsCluster("bad"), Some.EdsCluster("worse")));
        DeltaDiscoveryRequest nack = await call.NextDeltaAsync();
        Assert.Equal("1", nack.ResponseNonce);
        Assert.Equal((int)GrpcStatusCode.InvalidArgument, nack.ErrorDetail.Code);
        Assert.Equal("Cluster bad: its name is bad; Cluster worse: so is its", nack.ErrorDetail.Message);
        Assert.Equal(["good"], (await call.NextDeltaAsync()).ResourceNamesSubscribe);
        await Eventually.True(() => test.Client.Status is { Nacks: 1, Connected: true }, () => test.Client.Status.ToString());
        Assert.Equal("", test.Client.Status.Types[0].Version);
        Assert.Equal(nack.ErrorDetail.Message, test.Client.Status.Types[0].LastNack);
    }

    [Fact]
    public async Task A_new_stream_tells_what_is_held_and_asks_for_everything_at_once()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await OpenedAsync(test, "a", "b");
        call.Respond(Some.Delta(TypeUrls.ClusterLoadAssignment, "2", Some.Assignment("a")));
        await call.NextDeltaAsync();
        call.Respond(Some.Delta(TypeUrls.Listener, "3", Some.Listener("l")));
        await call.NextDeltaAsync();
        call.Fail(GrpcStatusCode.Unavailable, "gone fishing");

        ScriptedCall second = await test.Plane.AcceptAsync();
        DeltaDiscoveryRequest clusters = await second.NextDeltaAsync();
        Assert.Equal("test", clusters.Node?.Id);
        Assert.Equal("", clusters.ResponseNonce);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "r-1", ["b"] = "r-1" }, clusters.InitialResourceVersions);
        DeltaDiscoveryRequest assignments = await second.NextDeltaAsync();
        Assert.Equal(["a", "b"], assignments.ResourceNamesSubscribe);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "r-2" }, assignments.InitialResourceVersions);
        DeltaDiscoveryRequest listeners = await second.NextDeltaAsync();
        Assert.Equal(new Dictionary<string, string> { ["l"] = "r-3" }, listeners.InitialResourceVersions);

        AdsStatus status = test.Client.Status;
        Assert.Equal((1, false, "Unavailable: gone fishing"), (status.Reconnects, status.Connected, status.LastError));
        Assert.Equal(["a", "b"], test.Held.Names(TypeUrls.Cluster));
    }

    [Fact]
    public async Task Delta_that_is_not_implemented_becomes_sotw_and_stays_so()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall delta = await test.Plane.AcceptAsync();
        Assert.True(delta.IsDelta);
        delta.Fail(GrpcStatusCode.Unimplemented, "unknown method");
        ScriptedCall sotw = await test.Plane.AcceptAsync();
        Assert.False(sotw.IsDelta);
        Assert.Equal("test", (await sotw.NextSotwAsync()).Node.Id);
        sotw.Fail(GrpcStatusCode.Unavailable, "restarting");
        Assert.False((await test.Plane.AcceptAsync()).IsDelta);
        Assert.Equal(AdsProtocol.Sotw, test.Client.Status.Protocol);
    }

    [Fact]
    public async Task Bytes_that_are_no_response_end_the_stream_with_a_clear_error_and_change_nothing()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await OpenedAsync(test, "a");
        call.Respond([0x0a, 0xff, 0xff, 0xff, 0x0f]);
        ScriptedCall second = await test.Plane.AcceptAsync();
        Assert.Contains("no DeltaDiscoveryResponse", test.Client.Status.LastError);
        Assert.Equal(["a"], (await second.NextDeltaAsync()).InitialResourceVersions.Keys);
    }

    [Fact]
    public async Task A_resource_that_is_broken_or_of_another_type_is_refused_alone()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextDeltaAsync();
        DeltaDiscoveryResponse response = Some.Delta(TypeUrls.Cluster, "1", Some.EdsCluster("good"));
        response.Resources.Add(new Resource { Name = "broken", Resource_ = new Any { TypeUrl = TypeUrls.Cluster, Value = ByteString.CopyFrom(0x0a, 0x7f) } });
        response.Resources.Add(new Resource { Name = "alien", Resource_ = Some.AnyOf(Some.Listener("alien")) });
        call.Respond(response);
        string message = (await call.NextDeltaAsync()).ErrorDetail.Message;
        Assert.Contains("Cluster broken: ", message);
        Assert.Contains($"Cluster alien: is of type {TypeUrls.Listener}", message);
        Assert.DoesNotContain("good", message);
    }

    [Fact]
    public async Task A_response_of_a_type_that_was_not_asked_for_is_refused()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextDeltaAsync();
        call.Respond(Some.Delta(TypeUrls.RouteConfiguration, "x", new Envoy.Config.Route.V3.RouteConfiguration { Name = "r" }));
        DeltaDiscoveryRequest nack = await call.NextDeltaAsync();
        Assert.Equal((TypeUrls.RouteConfiguration, "x"), (nack.TypeUrl, nack.ResponseNonce));
        Assert.Contains("not asked for", nack.ErrorDetail.Message);
        Assert.DoesNotContain(test.Held.Updates, update => update.Resources.Count > 0);
    }

    [Fact]
    public async Task What_is_not_subscribed_to_is_not_handed_on()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await OpenedAsync(test, "a");
        call.Respond(Some.Delta(TypeUrls.ClusterLoadAssignment, "2", Some.Assignment("a"), Some.Assignment("unasked")));
        Assert.Null((await call.NextDeltaAsync()).ErrorDetail);
        Assert.Equal(["a"], test.Held.Updates.Last().Resources.Select(resource => resource.Name));
    }

    [Fact]
    public async Task A_handler_that_fails_refuses_the_response_and_the_stream_goes_on()
    {
        await using var test = new ClientUnderTest();
        test.Held.Throw = new InvalidOperationException("boom");
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextDeltaAsync();
        call.Respond(Some.Delta(TypeUrls.Cluster, "1", Some.EdsCluster("a")));
        Assert.Contains("boom", (await call.NextDeltaAsync()).ErrorDetail.Message);
        test.Held.Throw = null;
        Assert.Equal(TypeUrls.Listener, (await call.NextDeltaAsync()).TypeUrl);
        call.Respond(Some.Delta(TypeUrls.Cluster, "2", Some.EdsCluster("a")));
        Assert.Null((await call.NextDeltaAsync()).ErrorDetail);
    }

    [Fact]
    public async Task Listeners_are_asked_for_in_the_end_when_clusters_are_never_answered()
    {
        await using var test = new ClientUnderTest(change: options => options with { InitialFetchTimeout = TimeSpan.FromMilliseconds(1) });
        ScriptedCall call = await test.Plane.AcceptAsync();
        Assert.Equal(TypeUrls.Cluster, (await call.NextDeltaAsync()).TypeUrl);
        Assert.Equal(TypeUrls.Listener, (await call.NextDeltaAsync()).TypeUrl);
    }

    [Fact]
    public async Task A_resource_without_content_only_prolongs_a_time_to_live()
    {
        await using var test = new ClientUnderTest();
        ScriptedCall call = await OpenedAsync(test, "a");
        call.Respond(new DeltaDiscoveryResponse { TypeUrl = TypeUrls.Cluster, Nonce = "2", Resources = { new Resource { Name = "a" } } });
        Assert.Null((await call.NextDeltaAsync()).ErrorDetail);
        Assert.Empty(test.Held.Updates.Last().Resources);
    }

    [Fact]
    public async Task Every_batch_ends_also_the_one_that_the_stream_breaks_off()
    {
        await using var test = new ClientUnderTest(change: options => options with { QuietAfter = TimeSpan.FromHours(1), LongestBatch = TimeSpan.FromHours(1) });
        ScriptedCall call = await OpenedAsync(test, "a");
        Assert.Equal(0, test.Held.Batches);
        call.End();
        await test.Plane.AcceptAsync();
        Assert.Equal(1, test.Held.Batches);
    }

    [Fact]
    public async Task A_batch_waits_for_the_names_that_it_brought()
    {
        await using var test = new ClientUnderTest(change: options => options with { QuietAfter = TimeSpan.Zero, LongestBatch = TimeSpan.FromHours(1) });
        ScriptedCall call = await OpenedAsync(test, "a");
        call.Respond(Some.Delta(TypeUrls.Listener, "2", Some.Listener("l")));
        await call.NextDeltaAsync();
        Assert.Equal(0, test.Held.Batches);
        call.Respond(Some.Delta(TypeUrls.ClusterLoadAssignment, "3", Some.Assignment("a")));
        await call.NextDeltaAsync();
        await Eventually.True(() => test.Held.Batches == 1, () => "the end of the batch");
        Assert.Equal(["a"], test.Held.Names(TypeUrls.ClusterLoadAssignment));
    }

    // A stream on which clusters of these names have come, with everything up to the request for listeners taken.
    private static async Task<ScriptedCall> OpenedAsync(ClientUnderTest test, params string[] clusters)
    {
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextDeltaAsync();
        call.Respond(Some.Delta(TypeUrls.Cluster, "1", [.. clusters.Select(Some.EdsCluster)]));
        while ((await call.NextDeltaAsync()).TypeUrl != TypeUrls.Listener)
        {
        }

        return call;
    }
}
