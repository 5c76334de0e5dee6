using Google.Protobuf.Reflection;

namespace Amesh.Xds.Json;

/// <summary>The messages that our definitions have, by the name in a type URL.</summary>
internal static class KnownTypes
{
    // Every file that no other file of this list imports; what they import comes along. Listed, since looking for them would
    // be reflection, which ahead-of-time compilation cannot follow. A test compares the list with what there is.
    private static readonly FileDescriptor[] Roots =
    [
        Envoy.Config.Cluster.V3.ClusterReflection.Descriptor,
        Envoy.Config.Endpoint.V3.EndpointReflection.Descriptor,
        Envoy.Config.Listener.V3.ListenerReflection.Descriptor,
        Envoy.Config.Route.V3.RouteReflection.Descriptor,
        Envoy.Config.Route.V3.ScopedRouteReflection.Descriptor,
        Envoy.Config.Rbac.V3.RbacReflection.Descriptor,
        Envoy.Data.Accesslog.V3.AccesslogReflection.Descriptor,
        Envoy.Extensions.AccessLoggers.File.V3.FileReflection.Descriptor,
        Envoy.Extensions.AccessLoggers.Stream.V3.StreamReflection.Descriptor,
        Envoy.Extensions.Clusters.Aggregate.V3.ClusterReflection.Descriptor,
        Envoy.Extensions.Common.Matching.V3.ExtensionMatcherReflection.Descriptor,
        Envoy.Extensions.Common.Ratelimit.V3.RatelimitReflection.Descriptor,
        Envoy.Extensions.Filters.Common.Fault.V3.FaultReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Cors.V3.CorsReflection.Descriptor,
        Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthzReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Fault.V3.FaultReflection.Descriptor,
        Envoy.Extensions.Filters.Http.GrpcStats.V3.ConfigReflection.Descriptor,
        Envoy.Extensions.Filters.Http.HeaderToMetadata.V3.HeaderToMetadataReflection.Descriptor,
        Envoy.Extensions.Filters.Http.JwtAuthn.V3.ConfigReflection.Descriptor,
        Envoy.Extensions.Filters.Http.LocalRatelimit.V3.LocalRateLimitReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Rbac.V3.RbacReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Router.V3.RouterReflection.Descriptor,
        Envoy.Extensions.Filters.Listener.HttpInspector.V3.HttpInspectorReflection.Descriptor,
        Envoy.Extensions.Filters.Listener.OriginalDst.V3.OriginalDstReflection.Descriptor,
        Envoy.Extensions.Filters.Listener.ProxyProtocol.V3.ProxyProtocolReflection.Descriptor,
        Envoy.Extensions.Filters.Listener.TlsInspector.V3.TlsInspectorReflection.Descriptor,
        Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthzReflection.Descriptor,
        Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManagerReflection.Descriptor,
        Envoy.Extensions.Filters.Network.LocalRatelimit.V3.LocalRateLimitReflection.Descriptor,
        Envoy.Extensions.Filters.Network.Rbac.V3.RbacReflection.Descriptor,
        Envoy.Extensions.Filters.Network.SniCluster.V3.SniClusterReflection.Descriptor,
        Envoy.Extensions.Filters.Network.TcpProxy.V3.TcpProxyReflection.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3.LeastRequestReflection.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.Maglev.V3.MaglevReflection.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.Random.V3.RandomReflection.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.RingHash.V3.RingHashReflection.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3.RoundRobinReflection.Descriptor,
        Envoy.Extensions.LoadBalancingPolicies.WrrLocality.V3.WrrLocalityReflection.Descriptor,
        Envoy.Extensions.Matching.CommonInputs.Network.V3.NetworkInputsReflection.Descriptor,
        Envoy.Extensions.Matching.CommonInputs.Ssl.V3.SslInputsReflection.Descriptor,
        Envoy.Extensions.Network.DnsResolver.Cares.V3.CaresDnsResolverReflection.Descriptor,
        Envoy.Extensions.Path.Match.UriTemplate.V3.UriTemplateMatchReflection.Descriptor,
        Envoy.Extensions.RequestId.Uuid.V3.UuidReflection.Descriptor,
        Envoy.Extensions.Retry.Host.PreviousHosts.V3.PreviousHostsReflection.Descriptor,
        Envoy.Extensions.TransportSockets.RawBuffer.V3.RawBufferReflection.Descriptor,
        Envoy.Extensions.TransportSockets.Tls.V3.TlsReflection.Descriptor,
        Envoy.Extensions.TransportSockets.Tls.V3.TlsSpiffeValidatorConfigReflection.Descriptor,
        Envoy.Extensions.Upstreams.Http.V3.HttpProtocolOptionsReflection.Descriptor,
        Envoy.Service.Discovery.V3.DiscoveryReflection.Descriptor,
        Envoy.Type.Matcher.V3.HttpInputsReflection.Descriptor,
        Udpa.Type.V1.TypedStructReflection.Descriptor,
        global::Xds.Type.Matcher.V3.IpReflection.Descriptor,
        global::Xds.Type.Matcher.V3.MatcherReflection.Descriptor,
        global::Xds.Type.V3.TypedStructReflection.Descriptor,
        Google.Protobuf.WellKnownTypes.AnyReflection.Descriptor,
        Google.Protobuf.WellKnownTypes.DurationReflection.Descriptor,
        Google.Protobuf.WellKnownTypes.EmptyReflection.Descriptor,
        Google.Protobuf.WellKnownTypes.StructReflection.Descriptor,
        Google.Protobuf.WellKnownTypes.WrappersReflection.Descriptor,
    ];

    private static readonly Lazy<Dictionary<string, MessageDescriptor>> ByName = new(() =>
    {
        var types = new Dictionary<string, MessageDescriptor>();
        var files = new HashSet<string>();
        var open = new Stack<FileDescriptor>(Roots);
        while (open.TryPop(out FileDescriptor? file))
        {
            if (!files.Add(file.Name))
            {
                continue;
            }

            foreach (FileDescriptor imported in file.Dependencies)
            {
                open.Push(imported);
            }

            foreach (MessageDescriptor type in file.MessageTypes)
            {
                types.TryAdd(type.FullName, type);
            }
        }

        return types;
    });

    /// <summary>All of them, by full name.</summary>
    public static IReadOnlyDictionary<string, MessageDescriptor> All => ByName.Value;

    /// <summary>The message that a type URL names; null if it is not known here.</summary>
    public static MessageDescriptor? Find(string typeUrl) => ByName.Value.GetValueOrDefault(typeUrl[(typeUrl.LastIndexOf('/') + 1)..]);
}
