using Amesh.Protos.Tests;
using Amesh.Translation.Fields;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Translation.Tests.Fields;

public sealed class FieldAuditTests
{
    [Fact]
    public void A_field_that_is_not_done_is_told_with_its_path()
    {
        var host = new VirtualHost
        {
            Name = "reviews",
            Routes =
            {
                new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "a" } },
                new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = new RouteAction { Cluster = "a", HedgePolicy = new HedgePolicy() } },
            },
        };

        FieldFinding finding = Assert.Single(Walk(host, "virtual_hosts[reviews]"));

        Assert.Equal("envoy.config.route.v3.RouteAction", finding.Message);
        Assert.Equal("hedge_policy", finding.Field);
        Assert.Equal("virtual_hosts[reviews].routes[1].route.hedge_policy", finding.Path);
        Assert.Equal(TreatmentKind.NotYet, finding.Treatment.Kind);
        Assert.Equal("not yet: route configuration 9080: virtual_hosts[reviews].routes[1].route.hedge_policy: no request is sent twice",
            finding.ToDiagnostic("route configuration 9080").ToString());
    }

    [Fact]
    public void A_field_is_told_once()
    {
        var host = new VirtualHost();
        for (int i = 0; i < 3; i++)
        {
            host.Routes.Add(new Route { Route_ = new RouteAction { HedgePolicy = new HedgePolicy() } });
        }

        Assert.Equal("routes[0].route.hedge_policy", Assert.Single(Walk(host)).Path);
    }

    [Fact]
    public void Nothing_is_told_of_what_is_inside_a_field_that_is_not_done()
    {
        var cluster = new Cluster { UpstreamConnectionOptions = new UpstreamConnectionOptions { TcpKeepalive = new() { KeepaliveTime = 5 } } };

        Assert.Equal("upstream_connection_options", Assert.Single(Walk(cluster)).Path);
    }

    [Fact]
    public void A_field_number_that_no_definition_has_is_told()
    {
        byte[] bytes = [.. new Cluster { Name = "a" }.ToByteArray(), .. Tag(1000, WireFormat.WireType.Varint), 1];

        FieldFinding finding = Assert.Single(FieldAudit.Walk(Cluster.Descriptor, bytes, ""));

        Assert.Equal(("envoy.config.cluster.v3.Cluster", "1000", "1000"), (finding.Message, finding.Field, finding.Path));
    }

    [Fact]
    public void A_value_that_Amesh_does_exactly_is_not_told()
    {
        static Cluster With(uint connections) => new()
        {
            CircuitBreakers = new CircuitBreakers { Thresholds = { new CircuitBreakers.Types.Thresholds { MaxConnections = connections } } },
        };

        Assert.Empty(Walk(With(uint.MaxValue)));
        Assert.Equal("circuit_breakers.thresholds[0].max_connections", Assert.Single(Walk(With(3))).Path);
    }

    [Fact]
    public void An_extension_that_is_not_known_is_told_once_per_type()
    {
        var chain = new FilterChain();
        for (int i = 0; i < 2; i++)
        {
            chain.Filters.Add(new Filter { TypedConfig = new Any { TypeUrl = "type.example/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy" } });
        }

        FieldFinding finding = Assert.Single(Walk(chain));

        Assert.Equal("filters[0].typed_config", finding.Path);
        Assert.Equal("extension envoy.extensions.filters.network.redis_proxy.v3.RedisProxy is not known; it is left out", finding.Treatment.Note);
    }

    [Fact]
    public void Inside_an_extension_fields_are_told_as_anywhere()
    {
        var chain = new FilterChain { Filters = { new Filter { TypedConfig = Any.Pack(new HttpConnectionManager { Via = "x" }) } } };

        Assert.Equal("filters[0].typed_config.via", Assert.Single(Walk(chain)).Path);
    }

    [Fact]
    public void An_extension_can_be_done_at_a_route_and_not_on_a_listener()
    {
        var fault = new HTTPFault { Abort = new FaultAbort { HttpStatus = 503 } };
        var manager = new HttpConnectionManager
        {
            HttpFilters = { new HttpFilter { TypedConfig = Any.Pack(new HTTPFault()) }, new HttpFilter { TypedConfig = Any.Pack(fault) } },
        };
        var route = new Route { TypedPerFilterConfig = { ["any name"] = Any.Pack(fault) } };

        Assert.Equal("http_filters[1].typed_config", Assert.Single(Walk(manager)).Path);
        Assert.Empty(Walk(route));
    }

    [Fact]
    public void In_a_map_the_key_is_in_the_path()
    {
        var route = new Route { TypedPerFilterConfig = { ["envoy.filters.http.fault"] = Any.Pack(new HTTPFault { MaxActiveFaults = 1 }) } };

        Assert.Equal("typed_per_filter_config[envoy.filters.http.fault].max_active_faults", Assert.Single(Walk(route)).Path);
    }

    [Fact]
    public void Of_metadata_no_key_has_to_be_told()
    {
        static LbEndpoint With(string key) => new() { Metadata = new Metadata { FilterMetadata = { [key] = new Struct() } } };

        Assert.All(["istio", "envoy.lb", "envoy.transport_socket_match", "anything"], key => Assert.Empty(Walk(With(key))));
    }

    [Fact]
    public void A_TypedStruct_is_taken_for_the_type_that_it_names()
    {
        static Filter With(string type) => new()
        {
            TypedConfig = Any.Pack(new Udpa.Type.V1.TypedStruct { TypeUrl = "type.googleapis.com/" + type, Value = new Struct() }),
        };

        Assert.Empty(Walk(With("io.istio.http.peer_metadata.Config")));
        Assert.Equal("example.Wasm", Assert.Single(Walk(With("example.Wasm"))).Message);
        Assert.Contains("TypedStruct", Assert.Single(Walk(With(HTTPFault.Descriptor.FullName))).Treatment.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_message_are_told_and_never_thrown()
    {
        var broken = new Filter { TypedConfig = new Any { TypeUrl = "x/" + HttpConnectionManager.Descriptor.FullName, Value = ByteString.CopyFrom(0x0A, 0xFF) } };
        Assert.Equal(TreatmentKind.Refused, Assert.Single(Walk(broken)).Treatment.Kind);

        byte[] bytes = new VirtualHost { Name = "a", Routes = { new Route { Route_ = new RouteAction { Cluster = "c" } } } }.ToByteArray();
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.All(FieldAudit.Walk(VirtualHost.Descriptor, bytes.AsMemory(0, length), ""), finding => Assert.Equal(TreatmentKind.Refused, finding.Treatment.Kind));
        }
    }

    [Fact]
    public void A_message_inside_itself_does_not_use_up_the_stack()
    {
        byte[] bytes = [];
        for (int i = 0; i < 2000; i++)
        {
            // ListenerFilterChainMatchPredicate.not_match
            bytes = [.. Tag(3, WireFormat.WireType.LengthDelimited), .. Varint(bytes.Length), .. bytes];
        }

        Assert.Contains(
            FieldAudit.WalkEverything(ListenerFilterChainMatchPredicate.Descriptor, bytes, ""),
            finding => finding.Treatment.Kind == TreatmentKind.Refused);
    }

    [Fact]
    public void Everything_in_Istios_Bookinfo_routes_and_endpoints_is_done()
    {
        var told = RecordedStream.All.Where(recording => recording.Name.StartsWith("istio/bookinfo/", StringComparison.Ordinal))
            .SelectMany(recording => recording.Responses().Select(response => recording.ResponseType.Parser.ParseFrom(response)))
            .SelectMany(ResourcesOf)
            .Where(resource => resource.Is(RouteConfiguration.Descriptor) || resource.Is(ClusterLoadAssignment.Descriptor))
            .SelectMany(resource => FieldAudit.Walk(OurProtos.Registry.Find(Any.GetTypeName(resource.TypeUrl)), resource.Value.Memory, ""))
            .Select(finding => $"{finding.Path}: {finding.Treatment.Note}");
        Assert.Empty(told);
    }

    private static IEnumerable<Any> ResourcesOf(IMessage response) => response switch
    {
        DiscoveryResponse sotw => sotw.Resources,
        DeltaDiscoveryResponse delta => delta.Resources.Select(resource => resource.Resource_),
        _ => [],
    };

    private static IReadOnlyList<FieldFinding> Walk(IMessage message, string root = "") =>
        FieldAudit.Walk(message.Descriptor, message.ToByteArray(), root);

    private static byte[] Tag(int number, WireFormat.WireType type) => Varint((number << 3) | (int)type);

    private static byte[] Varint(int value) => value == 0 ? [0] : new UInt32Value { Value = (uint)value }.ToByteArray()[1..];
}
