using System.Collections.Frozen;
using System.Text;
using Envoy.Extensions.AccessLoggers.File.V3;
using Envoy.Extensions.AccessLoggers.Stream.V3;
using Envoy.Extensions.Clusters.Aggregate.V3;
using Envoy.Extensions.Common.Matching.V3;
using Envoy.Extensions.Filters.Http.Cors.V3;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.OriginalDst.V3;
using Envoy.Extensions.Filters.Listener.ProxyProtocol.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.SniCluster.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Envoy.Extensions.Matching.CommonInputs.Network.V3;
using Envoy.Extensions.Matching.CommonInputs.Ssl.V3;
using Envoy.Extensions.Network.DnsResolver.Cares.V3;
using Envoy.Extensions.RequestId.Uuid.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Extensions.Upstreams.Http.V3;
using Google.Protobuf.Reflection;
using static Amesh.Translation.Fields.FieldTreatment;
using HttpLocalRateLimit = Envoy.Extensions.Filters.Http.LocalRatelimit.V3.LocalRateLimit;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3;
using NetworkLocalRateLimit = Envoy.Extensions.Filters.Network.LocalRatelimit.V3.LocalRateLimit;
using NetworkExtAuthz = Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz;
using NetworkRbac = Envoy.Extensions.Filters.Network.Rbac.V3.RBAC;

namespace Amesh.Translation.Fields;

/// <summary>A type that a google.protobuf.Any can hold.</summary>
/// <param name="Type">Its full name.</param>
/// <param name="Treatment">What Amesh does with it.</param>
/// <param name="Descriptor">What it looks like inside; null where we have no definition.</param>
internal sealed record Extension(string Type, FieldTreatment Treatment, MessageDescriptor? Descriptor);

/// <summary>The declared table of extensions. One that is not in it is told once per type.</summary>
internal static class Extensions
{
    private const string Inputs = "listeners.chains[].http.filters, network_filters";
    private const string Telemetry = "telemetry alone: requests go the same way without it";
    private const string AccessLogs = "access logs are not translated yet; APISIX's loggers write what they are configured to";

    private static readonly FrozenDictionary<string, Extension> _byType;

    static Extensions()
    {
        All =
        [
            // Resources
            Known(Envoy.Config.Cluster.V3.Cluster.Descriptor, Exact("upstreams")),
            Known(Envoy.Config.Endpoint.V3.ClusterLoadAssignment.Descriptor, Exact("upstreams.nodes")),
            Known(Envoy.Config.Listener.V3.Listener.Descriptor, Exact("listeners, stream_routes, ssls")),
            Known(Envoy.Config.Route.V3.RouteConfiguration.Descriptor, Exact("routes, virtual_hosts")),
            Known(Envoy.Config.Route.V3.VirtualHost.Descriptor, NotYet("virtual hosts on demand are not asked for")),
            Known(Envoy.Config.Route.V3.ScopedRouteConfiguration.Descriptor, NotYet("scoped routes are not asked for")),
            Known(Secret.Descriptor, Exact("amesh_secrets")),

            // Network filters
            Known(HttpConnectionManager.Descriptor, Exact("listeners")),
            Known(TcpProxy.Descriptor, Exact("stream_routes", "without a stream side of APISIX only HTTP on such connections is passed on")),
            Known(NetworkRbac.Descriptor, Exact("listeners.chains[].network_filters")),
            Known(NetworkExtAuthz.Descriptor, Exact("listeners.chains[].network_filters")),
            Known(NetworkLocalRateLimit.Descriptor, NotYet("limits of connections are not translated yet; there is no limit")),
            Known(SniCluster.Descriptor, NotYet("the cluster that SNI names is not looked up yet")),
            Foreign("envoy.tcp.metadataexchange.config.MetadataExchange", Inert(Telemetry)),

            // HTTP filters
            Known(Router.Descriptor, Exact("plugins.amesh")),
            Known(HTTPFault.Descriptor, Exact("plugins.amesh fault")),
            Known(Cors.Descriptor, Inert("does nothing without a CorsPolicy, which stands at a route")),
            Known(CorsPolicy.Descriptor, Exact("plugins.amesh cors")),
            Known(HttpRbac.RBAC.Descriptor, Exact("listeners.chains[].http.filters")),
            Known(HttpRbac.RBACPerRoute.Descriptor, Exact("plugins.amesh filters")),
            Known(JwtAuthentication.Descriptor, Exact("listeners.chains[].http.filters")),
            Known(PerRouteConfig.Descriptor, Exact("plugins.amesh filters")),
            Known(ExtAuthz.Descriptor, Exact("listeners.chains[].http.filters")),
            Known(ExtAuthzPerRoute.Descriptor, Exact("plugins.amesh filters")),
            Known(HttpLocalRateLimit.Descriptor, NotYet("rate limits are not translated yet; there is no limit")),
            Known(Envoy.Extensions.Filters.Http.HeaderToMetadata.V3.Config.Descriptor, NotYet("metadata for other filters is not made; none that is translated reads it")),
            Known(ExtensionWithMatcher.Descriptor, NotYet("filters that run on a match alone are not translated yet; the filter inside is left out")),
            Known(Envoy.Extensions.Filters.Http.GrpcStats.V3.FilterConfig.Descriptor, Inert(Telemetry)),
            Foreign("io.istio.http.peer_metadata.Config", Inert(Telemetry)),
            Foreign("stats.PluginConfig", Inert(Telemetry)),
            Foreign(
                "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
                Exact("tls_contexts.alpn_http", "chooses the ALPN of TLS between sidecars")),

            // Listener filters
            Known(OriginalDst.Descriptor, Exact("listeners.original_dst", "restore: chains are matched with the original destination")),
            Known(HttpInspector.Descriptor, Exact("listeners.inspect")),
            Known(TlsInspector.Descriptor, Exact("listeners.inspect")),
            Known(ProxyProtocol.Descriptor, NotYet("the PROXY protocol is not read")),

            // Transport sockets
            Known(RawBuffer.Descriptor, Exact("")),
            Known(UpstreamTlsContext.Descriptor, Exact("tls_contexts")),
            Known(DownstreamTlsContext.Descriptor, Exact("listeners.chains[].tls, amesh_secrets, ssls")),
            Known(SPIFFECertValidatorConfig.Descriptor, Exact("amesh_secrets.trust_domains")),

            // Clusters
            Known(HttpProtocolOptions.Descriptor, Exact("upstreams.scheme")),
            Known(ClusterConfig.Descriptor, Exact("upstreams.labels.amesh_groups")),
            Known(CaresDnsResolverConfig.Descriptor, Exact("upstreams.nodes")),

            // Balancing
            Known(PreviousHostsPredicate.Descriptor, Exact("plugins.amesh retry.previous_hosts")),
            Known(Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3.RoundRobin.Descriptor, Exact("upstreams.type")),
            Known(Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3.LeastRequest.Descriptor, Exact("upstreams.type")),
            Known(Envoy.Extensions.LoadBalancingPolicies.Random.V3.Random.Descriptor, Exact("upstreams.type")),
            Known(Envoy.Extensions.LoadBalancingPolicies.RingHash.V3.RingHash.Descriptor, Near("upstreams.type amesh_hash", "highest random weight: other endpoints for the same keys")),
            Known(Envoy.Extensions.LoadBalancingPolicies.Maglev.V3.Maglev.Descriptor, Near("upstreams.type amesh_hash", "highest random weight: other endpoints for the same keys")),
            Known(Envoy.Extensions.LoadBalancingPolicies.WrrLocality.V3.WrrLocality.Descriptor, Exact("upstreams.type")),

            // The rest
            Known(UuidRequestIdConfig.Descriptor, Inert("Envoy's default; how traces are sampled by it is part of tracing")),
            Known(FileAccessLog.Descriptor, NotYet(AccessLogs, "plugins.file-logger")),
            Known(StdoutAccessLog.Descriptor, NotYet(AccessLogs, "plugins.file-logger")),
            Known(Envoy.Config.Rbac.V3.Action.Descriptor, Exact("listeners.chains[].http.filters, network_filters")),
            Known(UriSanInput.Descriptor, Exact(Inputs)),
            Known(DnsSanInput.Descriptor, Exact(Inputs)),
            Known(SubjectInput.Descriptor, Exact(Inputs)),
            Known(SourceIPInput.Descriptor, Exact(Inputs)),
            Known(DirectSourceIPInput.Descriptor, Exact(Inputs)),
            Known(DestinationIPInput.Descriptor, Exact(Inputs)),
            Known(DestinationPortInput.Descriptor, Exact(Inputs)),
            Known(ServerNameInput.Descriptor, Exact(Inputs)),
            Known(Envoy.Type.Matcher.V3.HttpRequestHeaderMatchInput.Descriptor, Exact(Inputs)),
            Known(Envoy.Extensions.Path.Match.UriTemplate.V3.UriTemplateMatchConfig.Descriptor, Exact("listeners.chains[].http.filters", "as an expression")),
            Known(Udpa.Type.V1.TypedStruct.Descriptor, Exact("", "taken for the type that it names")),
            Known(global::Xds.Type.V3.TypedStruct.Descriptor, Exact("", "taken for the type that it names")),
        ];
        _byType = All.ToFrozenDictionary(extension => extension.Type);
    }

    /// <summary>What stands at fields that the translator carries and that no verdict has been held against yet.</summary>
    internal const string Unproven = "carried, but not yet held against what Envoy does";

    public static IReadOnlyList<Extension> All { get; }

    public static FieldTreatment TreatmentOf(string type) =>
        _byType.TryGetValue(type, out Extension? extension) ? extension.Treatment : NotYet($"extension {type} is not known; it is left out");

    public static MessageDescriptor? DescriptorOf(string type) => _byType.TryGetValue(type, out Extension? extension) ? extension.Descriptor : null;

    /// <summary>The full name of a type URL; control planes use more than one host name before it.</summary>
    public static string TypeName(ReadOnlySpan<byte> typeUrl) => Encoding.UTF8.GetString(typeUrl[(typeUrl.LastIndexOf((byte)'/') + 1)..]);

    /// <summary>Whether the type holds another one as JSON, with its type URL as field 1.</summary>
    public static bool IsTypedStruct(string type) => type is "udpa.type.v1.TypedStruct" or "xds.type.v3.TypedStruct";

    private static Extension Known(MessageDescriptor descriptor, FieldTreatment treatment) => new(descriptor.FullName, treatment, descriptor);

    private static Extension Foreign(string type, FieldTreatment treatment) => new(type, treatment, null);
}
