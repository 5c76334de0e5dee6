using Amesh.Apisix;
using Amesh.Translation.Filters;
using Amesh.Translation.Filters.ExternalAuthorization;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Google.Protobuf.WellKnownTypes;
using NetworkExtAuthz = Envoy.Extensions.Filters.Network.ExtAuthz.V3.ExtAuthz;

namespace Amesh.Translation.Tests.Filters;

/// <summary>Filters that ask a service. One that nobody can be asked for lets nobody through.</summary>
public class ExternalAuthorizationTests
{
    private const string ByHttp = "'httpService':{'serverUri':{'uri':'http://a','cluster':'outbound|80||authz','timeout':'1.5s'}}";
    private const string ByGrpc = "'grpcService':{'envoyGrpc':{'clusterName':'authz'}}";

    private readonly List<Diagnostic> _told = [];
    private readonly AskedClusters _asked = new();

    private DiagnosticScope Scope => new("a test", _told);

    [Fact]
    public void By_HTTP_method_path_host_and_Authorization_are_shown()
    {
        Assert.Equal(
            "{'type':'ext_authz','name':'f','service':{'kind':'http','upstream_id':'" + Names.UpstreamId("outbound|80||authz") + "','cluster':'outbound|80||authz','host':'','timeout':1.5},"
            + "'allowed_headers':[{'exact':'authorization'},{'exact':':method'},{'exact':':path'},{'exact':':authority'}]}",
            Json(Of($"{{{ByHttp}}}")));
        Assert.Equal(["outbound|80||authz"], _asked.Names);
        Assert.Empty(_told);
    }

    [Fact]
    public void By_gRPC_everything_is_shown_within_Envoys_own_time()
    {
        Assert.Equal(
            "{'type':'ext_authz','name':'f','service':{'kind':'grpc','upstream_id':'" + Names.UpstreamId("authz") + "','cluster':'authz','host':'authz','timeout':0.2}}",
            Json(Of($"{{{ByGrpc}}}")));
        Assert.Contains("'allowed_headers':[]", Json(Of($"{{{ByGrpc},'allowedHeaders':{{}}}}")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'failureModeAllow':true", "'failure_mode_allow':true")]
    [InlineData("'failureModeAllowHeaderAdd':true", "'failure_mode_allow_header_add':true")]
    [InlineData("'statusOnError':{'code':'ServiceUnavailable'}", "'status_on_error':503")]
    [InlineData("'withRequestBody':{'maxRequestBytes':10,'allowPartialMessage':true,'packAsBytes':true}", "'body':{'most':10,'partial':true,'as_bytes':true}")]
    [InlineData("'filterEnabled':{'defaultValue':{'numerator':25}}", "'ppm':250000")]
    [InlineData("'denyAtDisable':{'defaultValue':true}", "'deny_at_disable':true")]
    [InlineData("'disallowedHeaders':{'patterns':[{'prefix':'x-'}]}", "'disallowed_headers':[{'prefix':'x-'}]")]
    [InlineData("'clearRouteCache':true", "'clear_route_cache':true")]
    [InlineData("'metadataContextNamespaces':['a']", "'metadata_namespaces':['a']")]
    [InlineData("'enableDynamicMetadataIngestion':false", "'ignore_metadata':true")]
    [InlineData("'filterEnabledMetadata':{'filter':'envoy.filters.http.rbac','path':[{'key':'k'}],'value':{'stringMatch':{'prefix':'p'}}}", "'when':{'filter':'envoy.filters.http.rbac','path':['k'],'value':{'text':{'prefix':'p'}}}")]
    public void What_else_it_says(string envoy, string wanted)
    {
        Assert.Contains(wanted, Json(Of($"{{{ByGrpc},{envoy}}}")), StringComparison.Ordinal);
        Assert.Empty(_told);
    }

    [Fact]
    public void A_condition_that_nobody_can_tell_asks_for_every_request()
    {
        Assert.DoesNotContain("when", Json(Of($"{{{ByGrpc},'filterEnabledMetadata':{{'filter':'of.others','path':[{{'key':'k'}}],'value':{{'presentMatch':true}}}}}}")), StringComparison.Ordinal);
        Assert.Equal(Severity.Near, Assert.Single(_told).Severity);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{'grpcService':{}}")]
    [InlineData("{'httpService':{'serverUri':{'uri':'http://a'}}}")]
    [InlineData("{'httpService':{'serverUri':{'uri':'http://a','cluster':'c'},'pathPrefix':'/a b'}}")]
    [InlineData("{" + ByGrpc + ",'disallowedHeaders':{'patterns':[{'custom':{'name':'x'}}]}}")]
    public void What_cannot_be_asked_lets_nobody_through(string filter)
    {
        Assert.Contains("'type':'refused'", Json(Of(filter)), StringComparison.Ordinal);
        Assert.NotEmpty(_told);
        Assert.All(_told, one => Assert.Equal(Severity.Refused, one.Severity));
    }

    [Fact]
    public void What_a_route_says()
    {
        Assert.Same(FilterOverride.Off, OfRoute("{'disabled':true}"));
        Assert.Same(FilterOverride.On, OfRoute("{}"));
        Assert.Equal(
            "{'type':'ext_authz','name':'f','body':{'most':5},'without_body':true,'context_extensions':{'a':'b'}}",
            Json(OfRoute("{'checkSettings':{'contextExtensions':{'a':'b'},'withRequestBody':{'maxRequestBytes':5},'disableRequestBodyBuffering':true}}").Filter!));

        // a service of the route's own, which came after our definitions
        var newer = new ExtAuthzPerRoute { CheckSettings = CheckSettings.Parser.ParseFrom([0x22, 0x00]) };
        Assert.IsType<RefusedFilter>(ExternalAuthorizationKind.OfRoutes.TranslateRoute("f", Any.Pack(newer), Scope).Filter);
    }

    [Fact]
    public void For_connections_nobody_is_asked()
    {
        var kind = new NetworkExternalAuthorizationKind();
        Assert.Null(kind.Translate("f", Any.Pack(new NetworkExtAuthz { FailureModeAllow = true }), Scope));
        Assert.Equal("{'type':'refused','name':'f','reason':'no service is asked for connections'}", Json(kind.Translate("f", Any.Pack(new NetworkExtAuthz()), Scope)!));

        var some = FilterJson.Message<NetworkExtAuthz>("{'filterEnabledMetadata':{'filter':'envoy.filters.network.rbac','path':[{'key':'k'}],'value':{'presentMatch':true}}}");
        Assert.Contains("'when':{'filter':'envoy.filters.network.rbac','path':['k'],'value':{'present':true}}", Json(kind.Translate("f", Any.Pack(some), Scope)!), StringComparison.Ordinal);
        Assert.Equal([Severity.Near, Severity.Refused, Severity.Refused], _told.Select(one => one.Severity));
    }

    private ChainFilter Of(string json) => new ExternalAuthorizationKind(_asked).Translate("f", Any.Pack(FilterJson.Message<ExtAuthz>(json)), Scope)!;

    private FilterOverride OfRoute(string json) => ExternalAuthorizationKind.OfRoutes.TranslateRoute("f", Any.Pack(FilterJson.Message<ExtAuthzPerRoute>(json)), Scope);

    private static string Json(ChainFilter filter) => FilterJson.Of(filter).Replace('"', '\'');
}
