using Amesh.Translation.Clusters;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>What a virtual host's translation knows of the world around it.</summary>
/// <param name="RouteConfig">The name that listeners know the route configuration by.</param>
/// <param name="Configuration">The route configuration without its virtual hosts: defaults for all of them.</param>
/// <param name="Clusters">The clusters that its routes may name.</param>
internal sealed record RouteScope(string RouteConfig, RouteConfiguration Configuration, IClusters Clusters);

/// <summary>The objects of one virtual host.</summary>
/// <param name="Routes">In Envoy's order.</param>
/// <param name="VirtualHost">Their domains.</param>
/// <param name="Clusters">The clusters that they name.</param>
internal sealed record TranslatedVirtualHost(
    IReadOnlyList<Apisix.Route> Routes, Apisix.VirtualHost VirtualHost, IReadOnlyCollection<string> Clusters);
