namespace Amesh.Xds;

/// <summary>Type URLs of the resources that Amesh knows how to ask for.</summary>
public static class TypeUrls
{
    private const string Prefix = "type.googleapis.com/";

    /// <summary>CDS: <c>envoy.config.cluster.v3.Cluster</c>.</summary>
    public const string Cluster = Prefix + "envoy.config.cluster.v3.Cluster";

    /// <summary>EDS: <c>envoy.config.endpoint.v3.ClusterLoadAssignment</c>.</summary>
    public const string ClusterLoadAssignment = Prefix + "envoy.config.endpoint.v3.ClusterLoadAssignment";

    /// <summary>LDS: <c>envoy.config.listener.v3.Listener</c>.</summary>
    public const string Listener = Prefix + "envoy.config.listener.v3.Listener";

    /// <summary>RDS: <c>envoy.config.route.v3.RouteConfiguration</c>.</summary>
    public const string RouteConfiguration = Prefix + "envoy.config.route.v3.RouteConfiguration";

    /// <summary>SDS: <c>envoy.extensions.transport_sockets.tls.v3.Secret</c>.</summary>
    public const string Secret = Prefix + "envoy.extensions.transport_sockets.tls.v3.Secret";

    /// <summary>The wrapper that a SotW response may put around a resource: <c>envoy.service.discovery.v3.Resource</c>.</summary>
    public const string Resource = Prefix + "envoy.service.discovery.v3.Resource";

    /// <summary>All types that are subscribed to, in Envoy's order: what a type names comes after the type that names it.</summary>
    public static IReadOnlyList<string> InOrder { get; } = [Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret];

    /// <summary>A type's place in <see cref="InOrder"/>; behind all others if it is not in it.</summary>
    public static int OrderOf(string typeUrl)
    {
        for (int place = 0; place < InOrder.Count; place++)
        {
            if (InOrder[place] == typeUrl)
            {
                return place;
            }
        }

        return int.MaxValue;
    }

    /// <summary>True for types of which everything is wanted (CDS and LDS), false for those subscribed to by name.</summary>
    public static bool IsWildcard(string typeUrl) => typeUrl is Cluster or Listener;
}
