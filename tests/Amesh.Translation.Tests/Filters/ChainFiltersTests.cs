using Amesh.Apisix;
using Amesh.Translation.Filters;
using Amesh.Translation.Filters.Jwt;
using Amesh.Translation.Filters.Rbac;
using Amesh.Translation.Secrets;
using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Common.Matching.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Http.Rbac.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using EnvoyCors = Envoy.Extensions.Filters.Http.Cors.V3.Cors;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;
using NetworkFilter = Envoy.Config.Listener.V3.Filter;
using NetworkRbac = Envoy.Extensions.Filters.Network.Rbac.V3.RBAC;
using Rules = Envoy.Config.Rbac.V3.RBAC;
using TypedExtensionConfig = Envoy.Config.Core.V3.TypedExtensionConfig;

namespace Amesh.Translation.Tests.Filters;

/// <summary>No filter that refuses is ever lost, whatever form it comes in.</summary>
public class ChainFiltersTests
{
    private const string AllowAll = "{'action':'ALLOW','policies':{'p':{'permissions':[{'any':true}],'principals':[{'any':true}]}}}";
    private const string RbacType = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

    private readonly List<Diagnostic> _told = [];

    private static JwtKeys Keys => new("l", new DataReader(), new AskedClusters());

    private DiagnosticScope Scope => new("a test", _told);

    [Fact]
    public void Rules_policies_by_name_and_actions()
    {
        const string policy = "{'permissions':[{'any':true}],'principals':[{'any':true}]}";
        Assert.Equal(
            "{'type':'rbac','name':'f','action':'deny','policies':[{'name':'a','permissions':[{'any':true}],'principals':[{'any':true}]},{'name':'b','permissions':[{'any':true}],'principals':[{'any':true}]}]}",
            Json(OfRules($"{{'action':'DENY','policies':{{'b':{policy},'a':{policy}}}}}")));
        Assert.Contains("'action':'log'", Json(OfRules("{'action':'LOG'}")), StringComparison.Ordinal);
        Assert.Equal("{'type':'rbac','name':'f','action':'allow','policies':[]}", Json(OfRules("{}")));
        Assert.Equal("{'type':'rbac','name':'f'}", Json(RbacFilters.Of("f", null, null, Scope)));
        Assert.Empty(_told);
    }

    [Fact]
    public void An_action_that_is_not_known_refuses()
    {
        Assert.Contains("'type':'refused'", Json(RbacFilters.Of("f", new Rules { Action = (Rules.Types.Action)7 }, null, Scope)), StringComparison.Ordinal);
        Assert.Equal(Severity.Refused, Assert.Single(_told).Severity);
    }

    [Fact]
    public void A_policy_with_a_condition_is_one_that_nobody_can_tell()
    {
        // Field 3 is the condition, an expression in CEL.
        byte[] condition = [0x1a, 0x02, 0x18, 0x01];
        Rules rules = FilterJson.Message<Rules>(AllowAll);
        rules.Policies["p"] = Policy.Parser.ParseFrom([.. rules.Policies["p"].ToByteArray(), .. condition]);

        Assert.Contains(
            "'permissions':[{'and':[{'any':true},{'unknown':'something that is not known'}]}]", Json(RbacFilters.Of("f", rules, null, Scope)), StringComparison.Ordinal);
        Assert.Equal("rules.policies[p]", Assert.Single(_told).Field);
    }

    [Theory]
    [InlineData("{'p':{'principals':[{'any':true}]}}")]
    [InlineData("{'p':{'permissions':[{'any':true}]}}")]
    public void A_policy_without_permissions_or_principals_too(string policies)
    {
        Assert.Contains("{'unknown':", Json(OfRules($"{{'policies':{policies}}}")), StringComparison.Ordinal);
        Assert.Equal(Severity.Refused, Assert.Single(_told).Severity);
    }

    [Fact]
    public void Matcher_trees()
    {
        const string deny = "{'action':{'typedConfig':{'@type':'@T/envoy.config.rbac.v3.Action','name':'no','action':'DENY'}}}";
        const string allow = "{'action':{'typedConfig':{'@type':'@T/envoy.config.rbac.v3.Action','name':'yes'}}}";
        const string uri = "'input':{'typedConfig':{'@type':'@T/envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput'}}";
        const string port = "'input':{'typedConfig':{'@type':'@T/envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput'}}";
        const string header = "'input':{'typedConfig':{'@type':'@T/envoy.type.matcher.v3.HttpRequestHeaderMatchInput','headerName':'X-A'}}";
        string single = $"{{'singlePredicate':{{{uri},'valueMatch':{{'exact':'u'}}}}}}";
        string other = $"{{'singlePredicate':{{{header},'valueMatch':{{'safeRegex':{{'regex':'a'}}}}}}}}";
        Assert.Equal(
            "{'list':[{'when':{'is':{'exact':'u'},'input':'uri_san'},'on':{'action':'deny','name':'no'}},"
                + "{'when':{'and':[{'header':'x-a','is':{'regex':'^(?:a)\\\\z'}},{'not':{'or':[{'is':{'exact':'u'},'input':'uri_san'}]}}]},'on':{'list':["
                + "{'when':{'is':{'prefix':'900'},'input':'target_port'},'on':{'action':'deny','name':'no'}},"
                + "{'when':{'is':{'prefix':'9'},'input':'target_port'},'on':{'action':'allow','name':'yes'}}]}}],"
                + "'otherwise':{'action':'deny','name':'no'}}",
            OfMatcher($"{{'matcherList':{{'matchers':[{{'predicate':{single},'onMatch':{deny}}},"
                + $"{{'predicate':{{'andMatcher':{{'predicate':[{other},{{'notMatcher':{{'orMatcher':{{'predicate':[{single}]}}}}}}]}}}},"
                + $"'onMatch':{{'matcher':{{'matcherTree':{{{port},'prefixMatchMap':{{'map':{{'9':{allow},'900':{deny}}}}}}}}}}}}}]}},'onNoMatch':{deny}}}"));
        Assert.Empty(_told);
    }

    [Theory]
    [InlineData("{'matcherList':{'matchers':[{'predicate':{'singlePredicate':{'input':{'name':'x'},'valueMatch':{'exact':'u'}}},'onMatch':{}}]}}", "{'list':[{'when':{'unknown':'a condition of an unknown kind'},'on':{'action':'deny','name':'it leads to no RBAC action'}}]}")]
    [InlineData("{'matcherTree':{'customMatch':{'name':'x'}}}", "{'action':'deny','name':'a tree of this kind is not known'}")]
    [InlineData("{'matcherList':{'matchers':[{}]}}", "{'list':[{'when':{'unknown':'predicate'},'on':{'action':'deny','name':'it leads to no RBAC action'}}]}")]
    [InlineData("{}", "{'list':[]}")]
    public void What_is_not_known_of_a_matcher_tree_refuses(string matcher, string wanted) => Assert.Equal(wanted, OfMatcher(matcher));

    [Fact]
    public void Filters_stand_in_their_order_and_what_comes_after_the_last_is_not_told()
    {
        IReadOnlyList<ChainFilter>? filters = ChainFilters.OfHttp(
            [
                Filter("c", new EnvoyCors()), Filter("a", new HttpRbac()), Filter("f", new HTTPFault()), Filter("a", new HttpRbac { Rules = FilterJson.Message<Rules>(AllowAll) }, true),
                Filter("f", new HTTPFault()), Filter("r", new Router()),
            ],
            Keys,
            new AskedClusters(),
            Scope);

        Assert.Equal(["cors c", "rbac a", "fault f", "rbac a off"], filters!.Select(filter => Json(filter).Split('\'')[3] + " " + filter.Name + (filter.Disabled == true ? " off" : "")));
        Assert.Null(ChainFilters.OfHttp([Filter("c", new EnvoyCors()), Filter("f", new HTTPFault()), Filter("r", new Router())], Keys, new AskedClusters(), Scope));
        Assert.Empty(_told);
    }

    [Theory]
    [InlineData("bytes")]
    [InlineData("struct")]
    [InlineData("xds struct")]
    [InlineData("discovery")]
    [InlineData("matcher")]
    [InlineData("struct in a matcher")]
    public void In_a_form_that_is_not_read_it_lets_nobody_through(string form)
    {
        Any asStruct = Any.Pack(new Udpa.Type.V1.TypedStruct { TypeUrl = RbacType });
        HttpFilter filter = form switch
        {
            "bytes" => new HttpFilter { Name = "f", TypedConfig = new Any { TypeUrl = RbacType, Value = ByteString.CopyFrom(0x0a, 0x7f) } },
            "struct" => new HttpFilter { Name = "f", TypedConfig = asStruct },
            "xds struct" => new HttpFilter { Name = "f", TypedConfig = Any.Pack(new global::Xds.Type.V3.TypedStruct { TypeUrl = RbacType }) },
            "discovery" => new HttpFilter { Name = "f", ConfigDiscovery = new ExtensionConfigSource { TypeUrls = { RbacType } } },
            "matcher" => Filter("f", Matched(Any.Pack(new HttpRbac()))),
            _ => Filter("f", Matched(asStruct)),
        };

        Assert.Contains("{'type':'refused','name':'f','reason':", Json(Assert.Single(ChainFilters.OfHttp([filter], Keys, new AskedClusters(), Scope)!)), StringComparison.Ordinal);
        Assert.Equal(Severity.Refused, Assert.Single(_told).Severity);
    }

    [Fact]
    public void Network_filters()
    {
        Assert.Null(ChainFilters.OfNetwork(Network(new NetworkRbac()), Scope));
        RbacFilter shadow = Assert.IsType<RbacFilter>(ChainFilters.OfNetwork(Network(new NetworkRbac { ShadowRules = new Rules(), ShadowRulesStatPrefix = "s_" }), Scope));
        Assert.Equal("{'type':'rbac','name':'f','shadow':{'prefix':'s_','action':'allow','policies':[]}}", Json(shadow));
        Assert.IsType<RbacFilter>(ChainFilters.OfNetwork(Network(new NetworkRbac { Rules = new Rules() }), Scope));
        Assert.Empty(_told);
        Assert.IsType<RefusedFilter>(ChainFilters.OfNetwork(
            new NetworkFilter { Name = "f", ConfigDiscovery = new ExtensionConfigSource { TypeUrls = { "type.googleapis.com/" + NetworkRbac.Descriptor.FullName } } }, Scope));
        Assert.Single(_told);
    }

    [Fact]
    public void Of_what_routes_say_the_most_specific_level_counts()
    {
        MapField<string, Any> route = new() { ["a"] = Any.Pack(new RBACPerRoute()) };
        MapField<string, Any> host = new()
        {
            ["a"] = Any.Pack(new RBACPerRoute { Rbac = new HttpRbac() }),
            ["b"] = Any.Pack(new RBACPerRoute { Rbac = new HttpRbac { Rules = FilterJson.Message<Rules>(AllowAll) } }),
            ["c"] = Any.Pack(new FilterConfig { Disabled = true }),
            ["d"] = Any.Pack(new FilterConfig()),
        };
        MapField<string, Any> configuration = new()
        {
            ["c"] = Any.Pack(new RBACPerRoute { Rbac = new HttpRbac() }),
            ["e"] = Any.Pack(new FilterConfig { Config = Any.Pack(new RBACPerRoute()) }),
            ["f"] = new Any { TypeUrl = "type.googleapis.com/" + RBACPerRoute.Descriptor.FullName, Value = ByteString.CopyFrom(0x12, 0x7f) },
            ["g"] = Any.Pack(new HTTPFault()),
        };

        IReadOnlyDictionary<string, FilterOverride> overrides = RouteFilters.Of([route, host, configuration], Scope)!;

        Assert.Equal(["a", "b", "c", "d", "e", "f"], overrides.Keys);
        Assert.Same(FilterOverride.Off, overrides["a"]);
        Assert.Equal("allow", Assert.IsType<RbacFilter>(overrides["b"].Filter).Action);
        Assert.Same(FilterOverride.Off, overrides["c"]);
        Assert.Same(FilterOverride.On, overrides["d"]);
        Assert.Same(FilterOverride.Off, overrides["e"]);
        Assert.IsType<RefusedFilter>(overrides["f"].Filter);
        Assert.Null(RouteFilters.Of([new MapField<string, Any> { ["g"] = Any.Pack(new HTTPFault()) }], Scope));
    }

    [Fact]
    public void What_one_of_several_clusters_says_lets_nobody_through()
    {
        var clusters = new Envoy.Config.Route.V3.WeightedCluster
        {
            Clusters =
            {
                new Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight { Name = "x", TypedPerFilterConfig = { ["a"] = Any.Pack(new RBACPerRoute()) } },
                new Envoy.Config.Route.V3.WeightedCluster.Types.ClusterWeight { Name = "y", TypedPerFilterConfig = { ["f"] = Any.Pack(new HTTPFault()) } },
            },
        };
        IReadOnlyDictionary<string, FilterOverride> said = RouteFilters.Of([new MapField<string, Any> { ["a"] = Any.Pack(new RBACPerRoute()), ["b"] = Any.Pack(new RBACPerRoute()) }], Scope)!;

        IReadOnlyDictionary<string, FilterOverride> overrides = RouteFilters.WithClusters(said, clusters, Scope)!;

        Assert.Equal(["a", "b"], overrides.Keys);
        Assert.IsType<RefusedFilter>(overrides["a"].Filter);
        Assert.Same(FilterOverride.Off, overrides["b"]);
        Assert.Equal(Severity.Refused, Assert.Single(_told).Severity);
        Assert.Same(said, RouteFilters.WithClusters(said, null, Scope));
    }

    private static string Json(ChainFilter filter) => FilterJson.Of(filter).Replace('"', '\'');

    private static HttpFilter Filter(string name, IMessage config, bool disabled = false) => new() { Name = name, TypedConfig = Any.Pack(config), Disabled = disabled };

    private static NetworkFilter Network(IMessage config) => new() { Name = "f", TypedConfig = Any.Pack(config) };

    private static ExtensionWithMatcher Matched(Any config) => new() { ExtensionConfig = new TypedExtensionConfig { TypedConfig = config } };

    private ChainFilter OfRules(string rules) => RbacFilters.Of("f", FilterJson.Message<Rules>(rules), null, Scope);

    private string OfMatcher(string matcher)
    {
        string json = Json(RbacFilters.Of("f", null, FilterJson.Message<global::Xds.Type.Matcher.V3.Matcher>(matcher), Scope));
        const string begin = "{'type':'rbac','name':'f','matcher':";
        Assert.StartsWith(begin, json, StringComparison.Ordinal);
        return json[begin.Length..^1];
    }
}
