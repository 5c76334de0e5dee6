using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Amesh.Translation.Routes;
using Envoy.Config.Route.V3;
using EnvoyRoute = Envoy.Config.Route.V3.Route;
using EnvoyVirtualHost = Envoy.Config.Route.V3.VirtualHost;
using Route = Amesh.Apisix.Route;

namespace Amesh.Translation.Tests.Routes;

public class VirtualHostTranslatorTests
{
    [Fact]
    public void Https_alone_is_a_redirect_before_all_other_routes()
    {
        EnvoyVirtualHost host = Host(new RouteAction { Cluster = "there" });
        host.RequireTls = EnvoyVirtualHost.Types.TlsRequirementType.All;

        IReadOnlyList<Route> routes = Translated(host).Routes;

        Assert.Equal(2, routes.Count);
        Assert.Equal(new Redirect { Status = 301, Scheme = "https" }, routes[0].Plugins.Amesh.Redirect);
        Assert.Contains(Predicate.Equal("amesh_scheme", "http"), routes[0].Vars);
        Assert.True(routes[0].Priority > routes[1].Priority);
    }

    [Fact]
    public void A_cluster_that_is_not_there_answers_what_the_route_says()
    {
        var single = new RouteAction { Cluster = "missing", ClusterNotFoundResponseCode = RouteAction.Types.ClusterNotFoundResponseCode.InternalServerError };
        Assert.Equal(500u, Translated(Host(single)).Routes[0].Plugins.Amesh.NotFoundStatus);

        single.Cluster = "there";
        Assert.Null(Translated(Host(single)).Routes[0].Plugins.Amesh.NotFoundStatus);

        var weighted = new RouteAction { ClusterNotFoundResponseCode = RouteAction.Types.ClusterNotFoundResponseCode.NotFound };
        weighted.WeightedClusters = new Envoy.Config.Route.V3.WeightedCluster();
        weighted.WeightedClusters.Clusters.Add(new Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight { Name = "there", Weight = 1 });
        weighted.WeightedClusters.Clusters.Add(new Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight { Name = "missing", Weight = 1 });
        Assert.Equal([null, 404u], Translated(Host(weighted)).Routes[0].Plugins.Amesh.Clusters!.Select(c => c.NotFoundStatus));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_host_that_was_asked_for_is_told_where_that_is_asked_for(bool append) =>
        Assert.Equal(append ? true : null, Translated(Host(new RouteAction { Cluster = "there", AppendXForwardedHost = append })).Routes[0].Plugins.Amesh.AppendForwardedHost);

    [Fact]
    public void A_request_may_name_its_cluster()
    {
        var action = new RouteAction { ClusterHeader = "X-To", ClusterNotFoundResponseCode = RouteAction.Types.ClusterNotFoundResponseCode.NotFound };
        TranslatedVirtualHost translated = Translated(Host(action));
        Assert.Equal(("x-to", 404u), (translated.Routes[0].Plugins.Amesh.ClusterHeader, translated.Routes[0].Plugins.Amesh.NotFoundStatus));
        Assert.Null(translated.Routes[0].UpstreamId);
        Assert.Equal([ClusterTable.Any], translated.Clusters);

        var weighted = new RouteAction { WeightedClusters = new Envoy.Config.Route.V3.WeightedCluster() };
        weighted.WeightedClusters.Clusters.Add(new Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight { ClusterHeader = "x-to", Weight = 1 });
        Apisix.WeightedCluster one = Assert.Single(Translated(Host(weighted)).Routes[0].Plugins.Amesh.Clusters!);
        Assert.Equal(("x-to", null), (one.ClusterHeader, one.UpstreamId));
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, 10u, 10u)]
    [InlineData(0u, 10u, 0u)]
    [InlineData(20u, null, 20u)]
    public void What_is_kept_of_bodies_is_the_routes_limit_or_else_the_virtual_hosts(uint? route, uint? virtualHost, uint? expected)
    {
        EnvoyVirtualHost host = Host(new RouteAction { Cluster = "there" });
        host.PerRequestBufferLimitBytes = virtualHost;
        host.Routes[0].PerRequestBufferLimitBytes = route;

        Assert.Equal(expected, Translated(host).Routes[0].Plugins.Amesh.BodyLimit);
    }

    private static TranslatedVirtualHost Translated(EnvoyVirtualHost host) => VirtualHostTranslator.Translate(
        new RouteScope("rc", new RouteConfiguration(), new OneCluster()),
        host,
        new DiagnosticScope("rc", []));

    private static EnvoyVirtualHost Host(RouteAction action)
    {
        var host = new EnvoyVirtualHost { Name = "h", Domains = { "h.example" } };
        host.Routes.Add(new EnvoyRoute { Match = new RouteMatch { Prefix = "/" }, Route_ = action });
        return host;
    }

    private sealed class OneCluster : IClusters
    {
        public ClusterKind KindOf(string cluster) => cluster == "there" ? ClusterKind.Eds : ClusterKind.Missing;

        public OriginalDestination? OriginalDstOf(string cluster) => null;

        public string TargetOf(string cluster, string marks) => cluster;
    }
}
