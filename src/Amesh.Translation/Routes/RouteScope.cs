using Amesh.Apisix;
using Amesh.Translation.Clusters;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>What a virtual host's translation knows of the world around it.</summary>
/// <param name="RouteConfig">The name that listeners know the route configuration by.</param>
/// <param name="Configuration">The route configuration without its virtual hosts: defaults for all of them.</param>
/// <param name="KindOf">What kind of cluster a name stands for now.</param>
/// <param name="OriginalDstOf">What a cluster of the connection's own destination says besides.</param>
/// <param name="TargetOf">The subset of a cluster that requests with these <see cref="LbMarks"/> go to, or the cluster.</param>
internal sealed record RouteScope(
    string RouteConfig, RouteConfiguration Configuration, Func<string, ClusterKind> KindOf, Func<string, OriginalDestination?>? OriginalDstOf = null, Func<string, string, string>? TargetOf = null);

/// <summary>The objects of one virtual host.</summary>
/// <param name="Routes">In Envoy's order.</param>
/// <param name="VirtualHost">Their domains.</param>
/// <param name="Clusters">The clusters that they name.</param>
internal sealed record TranslatedVirtualHost(
    IReadOnlyList<Apisix.Route> Routes, Apisix.VirtualHost VirtualHost, IReadOnlyCollection<string> Clusters);
