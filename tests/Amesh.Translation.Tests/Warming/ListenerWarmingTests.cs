using Amesh.Xds;
using Amesh.Xds.Store;
using Envoy.Extensions.TransportSockets.Tls.V3;
using static Amesh.Translation.Tests.Warming.WarmingMesh;
using DataSource = Envoy.Config.Core.V3.DataSource;

namespace Amesh.Translation.Tests.Warming;

/// <summary>A listener stays as it is until the route configurations and secrets of its newest version have come.</summary>
public class ListenerWarmingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_changed_listener_stays_as_it_is_until_its_new_routes_have_come(bool isDelta)
    {
        using var mesh = new WarmingMesh(isDelta);
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Quiet();

        Assert.Empty(mesh.Sink.Take());
        Assert.Contains("\"route_config\":\"rc\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.Contains("\"rc\"", mesh.VirtualHosts, StringComparison.Ordinal);
        Assert.Equal(["listener l: route configuration new"], mesh.Waiting);
        Assert.Equal(["new", "rc"], mesh.Pipeline.Wanted(TypeUrls.RouteConfiguration).Order());

        // What is in service hears of changes all the while.
        mesh.Set("rc", RoutesTo("rc", "c", "other"));
        mesh.Quiet();
        Assert.Contains("other", mesh.Upstreams, StringComparison.Ordinal);

        mesh.Sink.Take();
        mesh.Set("new", RoutesTo("new", "c"));
        mesh.Quiet();

        Assert.Single(mesh.Sink.Take());
        Assert.Contains("\"route_config\":\"new\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.DoesNotContain("\"rc\"", mesh.VirtualHosts, StringComparison.Ordinal);
        Assert.Equal(["new"], mesh.Pipeline.Wanted(TypeUrls.RouteConfiguration));
        Assert.Empty(mesh.Waiting);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_new_listener_is_not_there_until_its_routes_have_come(bool isDelta)
    {
        using var mesh = new WarmingMesh(isDelta);
        mesh.Set("l2", ListenerFor("l2", Chain("new")));
        mesh.Quiet();
        Assert.DoesNotContain("l2", mesh.Listeners, StringComparison.Ordinal);

        mesh.Set("new", RoutesTo("new", "c"));
        mesh.Quiet();

        Assert.Contains("l2", mesh.Listeners, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_listener_that_is_removed_while_it_warms_leaves_nothing(bool isDelta)
    {
        using var mesh = new WarmingMesh(isDelta);
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Set("l2", ListenerFor("l2", Chain("new")));
        mesh.Quiet();
        mesh.Remove(TypeUrls.Listener, "l");
        mesh.Remove(TypeUrls.Listener, "l2");
        mesh.Quiet();

        Assert.Empty(mesh.Listeners);
        Assert.Empty(mesh.VirtualHosts);
        Assert.Empty(mesh.Waiting);
        Assert.Empty(mesh.Pipeline.Wanted(TypeUrls.RouteConfiguration));
        mesh.Time.Pass(100);
        Assert.Empty(mesh.Listeners);
        Assert.Empty(mesh.Told);
    }

    [Fact]
    public void A_newer_version_takes_the_place_of_one_that_warms()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("second")));
        mesh.Set("l", ListenerFor("l", Chain("third")));
        mesh.Quiet();
        Assert.Equal(["rc", "third"], mesh.Pipeline.Wanted(TypeUrls.RouteConfiguration).Order());

        // Nobody wants it any more.
        mesh.Set("second", RoutesTo("second", "c"));
        mesh.Quiet();
        Assert.Contains("\"route_config\":\"rc\"", mesh.Listeners, StringComparison.Ordinal);

        mesh.Set("third", RoutesTo("third", "c"));
        mesh.Quiet();
        Assert.Contains("\"route_config\":\"third\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.Equal(["third"], mesh.Pipeline.Wanted(TypeUrls.RouteConfiguration));
    }

    [Fact]
    public void Going_back_to_the_version_in_service_ends_the_warming()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Set("l", ListenerFor("l", Chain("rc")));
        mesh.Quiet();

        Assert.Empty(mesh.Sink.Take());
        Assert.Empty(mesh.Waiting);
        Assert.Equal(["rc"], mesh.Pipeline.Wanted(TypeUrls.RouteConfiguration));
    }

    [Fact]
    public void Routes_that_are_there_or_written_in_the_listener_are_not_waited_for()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l2", ListenerFor("l2", Chain("rc")));
        mesh.Set("l3", ListenerFor("l3", Inline(RoutesTo("x", "c"))));
        mesh.Quiet();

        Assert.Contains("l2", mesh.Listeners, StringComparison.Ordinal);
        Assert.Contains("l3", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listener_goes_into_service_whole()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("rc", name: "a", port: 1), Chain("rc", name: "b", port: 2)));
        mesh.Quiet();

        // One chain goes, one stays, two are new and come one after the other.
        mesh.Set("l", ListenerFor("l", Chain("rc", name: "b", port: 2), Chain("x", name: "c", port: 3), Chain("y", name: "d", port: 4)));
        mesh.Set("x", RoutesTo("x", "c"));
        mesh.Quiet();
        Assert.Equal(["listener l: route configuration y"], mesh.Waiting);
        Assert.Contains("\"name\":\"a\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.DoesNotContain("\"name\":\"c\"", mesh.Listeners, StringComparison.Ordinal);

        mesh.Set("y", RoutesTo("y", "c"));
        mesh.Quiet();
        Assert.DoesNotContain("\"name\":\"a\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.Contains("\"name\":\"c\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.Contains("\"name\":\"d\"", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void A_listener_waits_for_its_secrets()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("rc", secret: "s")));
        mesh.Quiet();
        Assert.DoesNotContain("\"tls\"", mesh.Listeners, StringComparison.Ordinal);

        (string certificate, string key) = Pems.Pair();
        mesh.Set("s", new Secret
        {
            Name = "s",
            TlsCertificate = new TlsCertificate { CertificateChain = new DataSource { InlineString = certificate }, PrivateKey = new DataSource { InlineString = key } },
        });
        mesh.Quiet();
        Assert.Contains("\"tls\"", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void After_its_time_a_listener_goes_into_service_without_its_routes_and_that_is_told()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Quiet();
        mesh.Time.Pass(14.9);
        Assert.Contains("\"route_config\":\"rc\"", mesh.Listeners, StringComparison.Ordinal);

        mesh.Time.Pass(0.2);

        Assert.Contains("\"route_config\":\"new\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.Equal(["listener l goes into service without what it names, which has not come in time: route configuration new"], mesh.Told);
        Assert.Equal(["listener l: route configuration new"], mesh.Incomplete);
        Assert.Empty(mesh.Waiting);

        // Nobody waits for it again, and it counts when it comes at last.
        mesh.Set("l2", ListenerFor("l2", Chain("new")));
        mesh.Quiet();
        Assert.Contains("l2", mesh.Listeners, StringComparison.Ordinal);
        mesh.Set("new", RoutesTo("new", "c"));
        mesh.Quiet();
        Assert.Contains("\"new\"", mesh.VirtualHosts, StringComparison.Ordinal);
        Assert.Empty(mesh.Incomplete);
    }

    [Fact]
    public void The_time_is_what_the_config_source_says_and_0_has_no_end()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l2", ListenerFor("l2", Chain("two", timeout: 2)));
        mesh.Set("l3", ListenerFor("l3", Chain("never", timeout: 0)));
        mesh.Quiet();
        mesh.Time.Pass(1.9);
        Assert.DoesNotContain("l2", mesh.Listeners, StringComparison.Ordinal);

        mesh.Time.Pass(1000);

        Assert.Contains("l2", mesh.Listeners, StringComparison.Ordinal);
        Assert.DoesNotContain("l3", mesh.Listeners, StringComparison.Ordinal);
        Assert.Equal(["listener l3: route configuration never"], mesh.Waiting);
        Assert.Equal(DateTimeOffset.UnixEpoch, Assert.Single(mesh.Store.Warming).Since);
    }

    [Fact]
    public void A_version_that_takes_another_s_place_goes_on_with_its_time()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Quiet();
        mesh.Time.Pass(10);
        mesh.Set("l", ListenerFor("l", Chain("new"), Chain("rc", name: "more", port: 1)));
        mesh.Quiet();
        mesh.Time.Pass(4.9);
        Assert.DoesNotContain("more", mesh.Listeners, StringComparison.Ordinal);

        mesh.Time.Pass(0.2);
        Assert.Contains("more", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void Routes_that_are_refused_are_not_waited_for()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new", timeout: 0)));
        mesh.Quiet();

        Assert.Single(mesh.Refused(TypeUrls.RouteConfiguration, "new"));
        mesh.Quiet();

        Assert.Contains("\"route_config\":\"new\"", mesh.Listeners, StringComparison.Ordinal);
        Assert.Equal(["listener l: route configuration new"], mesh.Incomplete);
    }

    [Fact]
    public void That_routes_are_removed_before_they_came_says_nothing()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Remove(TypeUrls.RouteConfiguration, "new");
        mesh.Quiet();

        Assert.Contains("\"route_config\":\"rc\"", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void A_version_that_is_refused_changes_nothing_for_one_that_warms()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new")));
        Assert.Single(mesh.Refused(TypeUrls.Listener, "l"));
        mesh.Quiet();
        Assert.Equal(["listener l: route configuration new"], mesh.Waiting);

        mesh.Set("new", RoutesTo("new", "c"));
        mesh.Quiet();
        Assert.Contains("\"route_config\":\"new\"", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_read_again_is_what_is_in_service()
    {
        using var mesh = new WarmingMesh();
        var head = new UnitKey(UnitKind.Listener, "l", "");
        Assert.True(mesh.Store.TryRead(head, out ReadOnlyMemory<byte> before));
        mesh.Set("l", ListenerFor("l named otherwise", Chain("new")));
        Assert.True(mesh.Store.TryRead(head, out ReadOnlyMemory<byte> warming));
        Assert.Equal(before.ToArray(), warming.ToArray());

        mesh.Set("new", RoutesTo("new", "c"));
        Assert.True(mesh.Store.TryRead(head, out ReadOnlyMemory<byte> after));
        Assert.NotEqual(before.ToArray(), after.ToArray());

        // Of one that was never in service there is nothing.
        mesh.Set("l2", ListenerFor("l2", Chain("never")));
        Assert.False(mesh.Store.TryRead(new UnitKey(UnitKind.Listener, "l2", ""), out _));
    }

    [Fact]
    public void What_a_first_load_was_taken_without_is_not_waited_for_afterwards()
    {
        using var mesh = new WarmingMesh(isLoaded: false);
        mesh.Set("c", EdsCluster("c"));
        mesh.Set("c", Endpoints("c", "10.0.0.1"));
        mesh.Set("l", ListenerFor("l", Chain("rc")));
        mesh.Quiet();
        Assert.Empty(mesh.Listeners);
        mesh.Time.Pass(15.1);
        Assert.Contains("\"route_config\":\"rc\"", mesh.Listeners, StringComparison.Ordinal);

        mesh.Set("l2", ListenerFor("l2", Chain("rc")));
        mesh.Quiet();
        Assert.Contains("l2", mesh.Listeners, StringComparison.Ordinal);
    }

    [Fact]
    public void What_expires_amid_a_batch_goes_with_that()
    {
        using var mesh = new WarmingMesh();
        mesh.Set("l", ListenerFor("l", Chain("new")));
        mesh.Quiet();
        mesh.Time.Pass(10);
        mesh.Set("c", Endpoints("c", "10.0.0.2"));
        mesh.Time.Pass(10);
        Assert.Empty(mesh.Sink.Take());

        mesh.Quiet();
        Assert.Single(mesh.Sink.Take());
        Assert.Contains("\"route_config\":\"new\"", mesh.Listeners, StringComparison.Ordinal);
    }
}
