using Amesh.Grpc;
using Amesh.Xds.Ads;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Tests.Ads;

public sealed class SotwClientTests
{
    [Fact]
    public async Task An_ack_has_the_new_version_and_nonce_and_a_nack_the_old_version_and_the_new_nonce()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await test.Plane.AcceptAsync();
        DiscoveryRequest first = await call.NextSotwAsync();
        Assert.Equal((TypeUrls.Cluster, "", ""), (first.TypeUrl, first.VersionInfo, first.ResponseNonce));
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v1", "n1", Some.EdsCluster("a")));
        DiscoveryRequest ack = await call.NextSotwAsync();
        Assert.Equal(("v1", "n1", null), (ack.VersionInfo, ack.ResponseNonce, ack.ErrorDetail));
        await call.NextSotwAsync();
        await call.NextSotwAsync();

        test.Held.Refuse["a"] = "no more";
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v2", "n2", Some.EdsCluster("a")));
        DiscoveryRequest nack = await call.NextSotwAsync();
        Assert.Equal(("v1", "n2", "Cluster a: no more"), (nack.VersionInfo, nack.ResponseNonce, nack.ErrorDetail.Message));
        await Eventually.True(() => test.Held.Names(TypeUrls.Cluster).SequenceEqual(["a"]), () => "a stays");
    }

    [Fact]
    public async Task A_change_of_names_sends_all_of_them_with_the_last_version_and_nonce()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await OpenedAsync(test, "a");
        call.Respond(Some.Sotw(TypeUrls.ClusterLoadAssignment, "e1", "ne1", Some.Assignment("a")));
        await call.NextSotwAsync();
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v2", "n2", Some.EdsCluster("a"), Some.EdsCluster("b")));
        await call.NextSotwAsync();
        DiscoveryRequest names = await call.NextSotwAsync();
        Assert.Equal((TypeUrls.ClusterLoadAssignment, "e1", "ne1"), (names.TypeUrl, names.VersionInfo, names.ResponseNonce));
        Assert.Equal(["a", "b"], names.ResourceNames);
    }

    [Fact]
    public async Task Names_that_end_are_taken_back_by_an_empty_list_and_no_stream_begins_with_one()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await OpenedAsync(test, "a");
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v2", "n2"));
        await call.NextSotwAsync();
        DiscoveryRequest none = await call.NextSotwAsync();
        Assert.Equal(TypeUrls.ClusterLoadAssignment, none.TypeUrl);
        Assert.Empty(none.ResourceNames);
        await Eventually.True(() => test.Held.Names(TypeUrls.Cluster).SequenceEqual([]), () => "clusters are gone");

        call.Fail(GrpcStatusCode.Unavailable, "restart");
        ScriptedCall second = await test.Plane.AcceptAsync();
        Assert.Equal(TypeUrls.Cluster, (await second.NextSotwAsync()).TypeUrl);
        Assert.Equal(TypeUrls.Listener, (await second.NextSotwAsync()).TypeUrl);
        second.Respond(Some.Sotw(TypeUrls.Listener, "l", "n"));
        Assert.Equal(TypeUrls.Listener, (await second.NextSotwAsync()).TypeUrl);
        Assert.False(second.HasMore);
    }

    [Fact]
    public async Task A_new_stream_has_the_last_accepted_version_and_no_nonce()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await OpenedAsync(test, "a");
        test.Held.Refuse["a"] = "no";
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v2", "n2", Some.EdsCluster("a")));
        await call.NextSotwAsync();
        call.End();
        DiscoveryRequest again = await (await test.Plane.AcceptAsync()).NextSotwAsync();
        Assert.Equal(("v1", "", "test"), (again.VersionInfo, again.ResponseNonce, again.Node.Id));
    }

    [Fact]
    public async Task Clusters_that_are_not_listed_are_gone_but_not_when_a_name_cannot_be_read()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await OpenedAsync(test, "a", "b");
        DiscoveryResponse broken = Some.Sotw(TypeUrls.Cluster, "v2", "n2", Some.EdsCluster("a"));
        broken.Resources.Add(new Any { TypeUrl = TypeUrls.Cluster, Value = ByteString.CopyFrom(0x0a, 0x7f) });
        call.Respond(broken);
        Assert.Contains("Cluster #2 of 2: not a protobuf message", (await call.NextSotwAsync()).ErrorDetail.Message);
        Assert.False(test.Held.Updates.Last().Complete);

        call.Respond(Some.Sotw(TypeUrls.Cluster, "v3", "n3", Some.EdsCluster("a")));
        Assert.Null((await call.NextSotwAsync()).ErrorDetail);
        await Eventually.True(() => test.Held.Names(TypeUrls.Cluster).SequenceEqual(["a"]), () => "b is gone");
    }

    [Fact]
    public async Task A_wrapped_resource_is_unwrapped()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextSotwAsync();
        var wrapped = new Resource { Name = "a", Version = "w", Resource_ = Some.AnyOf(Some.EdsCluster("a")) };
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v1", "n1", wrapped));
        Assert.Null((await call.NextSotwAsync()).ErrorDetail);
        DiscoveryResource taken = Assert.Single(test.Held.Updates.Last().Resources);
        Assert.Equal("a", taken.Name);
        Assert.Equal(Some.EdsCluster("a").ToByteArray(), taken.Body.ToArray());
    }

    [Fact]
    public async Task What_only_prolongs_a_time_to_live_takes_nothing_away()
    {
        await using var test = new ClientUnderTest(AdsProtocol.Sotw);
        ScriptedCall call = await OpenedAsync(test, "a", "b");
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v1", "n2", new Resource { Name = "a", Version = "v1" }));
        Assert.Null((await call.NextSotwAsync()).ErrorDetail);
        Assert.False(test.Held.Updates.Last().Complete);
    }

    private static async Task<ScriptedCall> OpenedAsync(ClientUnderTest test, params string[] clusters)
    {
        ScriptedCall call = await test.Plane.AcceptAsync();
        await call.NextSotwAsync();
        call.Respond(Some.Sotw(TypeUrls.Cluster, "v1", "n1", [.. clusters.Select(Some.EdsCluster)]));
        while ((await call.NextSotwAsync()).TypeUrl != TypeUrls.Listener)
        {
        }

        return call;
    }
}
