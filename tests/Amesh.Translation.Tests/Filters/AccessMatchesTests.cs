using Amesh.Translation.Filters.Rbac;
using Envoy.Config.Rbac.V3;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;

namespace Amesh.Translation.Tests.Filters;

/// <summary>Permissions and principals, as what the Lua side reads. Native-tests/lua/tests/access.lua has what that means.</summary>
public class AccessMatchesTests
{
    [Theory]
    [InlineData("{'any':true}", "{'any':true}")]
    [InlineData("{'notRule':{'any':true}}", "{'not':{'any':true}}")]
    [InlineData("{'andRules':{'rules':[{'any':true},{'destinationPort':80}]}}", "{'and':[{'any':true},{'target_port':[80,81]}]}")]
    [InlineData("{'orRules':{'rules':[{'any':true},{'destinationPortRange':{'start':1,'end':9}}]}}", "{'or':[{'any':true},{'target_port':[1,9]}]}")]
    [InlineData("{'destinationIp':{'addressPrefix':'10.1.2.3','prefixLen':8}}", "{'target_ip':['10.0.0.0/8']}")]
    [InlineData("{'header':{'name':'X-A'}}", "{'header':'x-a','present':true}")]
    [InlineData("{'header':{'name':'x-a','presentMatch':false}}", "{'header':'x-a','present':false}")]
    [InlineData("{'header':{'name':'x-a','exactMatch':'1','invertMatch':true}}", "{'header':'x-a','is':{'exact':'1'},'invert':true}")]
    [InlineData("{'header':{'name':'x-a','rangeMatch':{'start':'-1','end':'5'}}}", "{'header':'x-a','from':-1,'to':5}")]
    [InlineData("{'header':{'name':'x-a','stringMatch':{'prefix':'A','ignoreCase':true},'treatMissingHeaderAsEmpty':true}}", "{'header':'x-a','is':{'prefix':'A','ignore_case':true},'missing_as_empty':true}")]
    [InlineData("{'urlPath':{'path':{'suffix':'/x'}}}", "{'path':{'suffix':'/x'}}")]
    [InlineData("{'urlPath':{'path':{'safeRegex':{'regex':'/a|/b'}}}}", "{'path':{'regex':'^(?:/a|/b)\\\\z'}}")]
    [InlineData("{'requestedServerName':{'contains':'x'}}", "{'server_name':{'contains':'x'}}")]
    [InlineData(
        "{'uriTemplate':{'typedConfig':{'@type':'@T/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig','pathTemplate':'/a.b/{x}'}}}",
        "{'path':{'regex':'^/a\\\\.b/[a-zA-Z0-9\\\\-._~%!$&()+,;:@]+\\\\z'}}")]
    [InlineData(
        "{'metadata':{'filter':'envoy.filters.http.jwt_authn','path':[{'key':'a'},{'key':'b'}],'invert':true,'value':{'orMatch':{'valueMatchers':[{'listMatch':{'oneOf':{'stringMatch':{'exact':'x'}}}},{'boolMatch':false},{'nullMatch':{}},{'presentMatch':true},{'doubleMatch':{'exact':1.5}},{'doubleMatch':{'range':{'start':1,'end':2}}}]}}}}",
        "{'metadata':{'filter':'envoy.filters.http.jwt_authn','path':['a','b'],'value':{'any':[{'one_of':{'text':{'exact':'x'}}},{'bool':false},{'null':true},{'present':true},{'exact':1.5},{'from':1,'to':2}]},'invert':true}}")]
    public void Permissions(string permission, string wanted)
    {
        List<Diagnostic> told = [];
        Assert.Equal(wanted, PermissionJson(permission, told).Replace("&'()", "&()", StringComparison.Ordinal));
        Assert.Empty(told);
    }

    [Theory]
    [InlineData("{'any':true}", "{'any':true}")]
    [InlineData("{'notId':{'orIds':{'ids':[{'any':true},{'andIds':{'ids':[{'any':true}]}}]}}}", "{'not':{'or':[{'any':true},{'and':[{'any':true}]}]}}")]
    [InlineData("{'authenticated':{}}", "{'tls':true}")]
    [InlineData("{'authenticated':{'principalName':{'exact':'spiffe://a/b'}}}", "{'principal':{'exact':'spiffe://a/b'}}")]
    [InlineData("{'sourceIp':{'addressPrefix':'::1','prefixLen':128}}", "{'direct_ip':['::1/128']}")]
    [InlineData("{'directRemoteIp':{'addressPrefix':'127.0.0.0','prefixLen':16}}", "{'direct_ip':['127.0.0.0/16']}")]
    [InlineData("{'remoteIp':{'addressPrefix':'127.0.0.0'}}", "{'remote_ip':['0.0.0.0/0']}")]
    [InlineData("{'header':{'name':':method','stringMatch':{'exact':'GET'}}}", "{'header':':method','is':{'exact':'GET'}}")]
    [InlineData("{'urlPath':{'path':{'exact':'/'}}}", "{'path':{'exact':'/'}}")]
    [InlineData("{'metadata':{'filter':'envoy.filters.http.jwt_authn','path':[{'key':'a'}],'value':{'presentMatch':true}}}", "{'metadata':{'filter':'envoy.filters.http.jwt_authn','path':['a'],'value':{'present':true}}}")]
    [InlineData("{'filterState':{'key':'io.istio.peer_principal','stringMatch':{'prefix':'spiffe://'}}}", "{'peer_uris':{'prefix':'spiffe://'}}")]
    public void Principals(string principal, string wanted)
    {
        List<Diagnostic> told = [];
        Assert.Equal(wanted, PrincipalJson(principal, told));
        Assert.Empty(told);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{'any':false}")]
    [InlineData("{'andRules':{}}")]
    [InlineData("{'orRules':{}}")]
    [InlineData("{'destinationIp':{'addressPrefix':'nowhere','prefixLen':8}}")]
    [InlineData("{'destinationPortRange':{'start':9,'end':9}}")]
    [InlineData("{'destinationPortRange':{'start':-1,'end':9}}")]
    [InlineData("{'header':{'name':'x','safeRegexMatch':{'regex':'('}}}")]
    [InlineData("{'header':{'name':'x','stringMatch':{}}}")]
    [InlineData("{'header':{'name':'x','stringMatch':{'custom':{'name':'lua'}}}}")]
    [InlineData("{'urlPath':{}}")]
    [InlineData("{'urlPath':{'path':{'safeRegex':{'regex':'(?=a)'}}}}")]
    [InlineData("{'uriTemplate':{'typedConfig':{'@type':'@T/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig','pathTemplate':'a'}}}")]
    [InlineData("{'uriTemplate':{'name':'x'}}")]
    [InlineData("{'requestedServerName':{}}")]
    [InlineData("{'matcher':{'name':'x'}}")]
    [InlineData("{'metadata':{'filter':'envoy.filters.http.jwt_authn','path':[{'key':'a'}]}}")]
    [InlineData("{'metadata':{'filter':'envoy.filters.http.of_others','path':[{'key':'a'}],'value':{'presentMatch':true}}}")]
    [InlineData("{'metadata':{'filter':'envoy.filters.http.jwt_authn','value':{'presentMatch':true}}}")]
    [InlineData("{'metadata':{'filter':'envoy.filters.http.jwt_authn','path':[{'key':'a'}],'value':{'orMatch':{'valueMatchers':[{'presentMatch':true},{}]}}}}")]
    public void What_cannot_be_told_of_a_permission_is_there_all_the_same_and_is_told(string permission)
    {
        List<Diagnostic> told = [];
        Assert.Contains("'unknown':'", PermissionJson(permission, told), StringComparison.Ordinal);
        Assert.Equal(Severity.Refused, Assert.Single(told).Severity);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{'any':false}")]
    [InlineData("{'andIds':{}}")]
    [InlineData("{'authenticated':{'principalName':{}}}")]
    [InlineData("{'directRemoteIp':{'addressPrefix':'127.0.0.0','prefixLen':33}}")]
    [InlineData("{'filterState':{'key':'other','stringMatch':{'exact':'a'}}}")]
    [InlineData("{'filterState':{'key':'io.istio.peer_principal'}}")]
    public void What_cannot_be_told_of_a_principal_is_there_all_the_same_and_is_told(string principal)
    {
        List<Diagnostic> told = [];
        Assert.Contains("'unknown':'", PrincipalJson(principal, told), StringComparison.Ordinal);
        Assert.Equal(Severity.Refused, Assert.Single(told).Severity);
    }

    [Theory]
    [InlineData("/a", "/a", "/a/ /ab /")]
    [InlineData("/a/*", "/a/b /a/b.c", "/a/ /a/b/c /a")]
    [InlineData("/a/{x}/c", "/a/b/c", "/a/c /a//c")]
    [InlineData("/a/**", "/a/ /a/b /a/b/c", "/a /b")]
    [InlineData("/a/{x=**}.m3u8", "/a/b/c.m3u8", "/a/b/c.m3u9")]
    [InlineData("/{a}/{b=x/*/y}", "/1/x/2/y", "/1/x/2/z /1/x/y")]
    [InlineData("/a$(b)+", "/a$(b)+", "/ab")]
    [InlineData("/a/", "/a/", "/a")]
    [InlineData("/", "/", "/a")]
    public void Path_templates(string template, string good, string bad)
    {
        string pattern = UriTemplates.ToRegex(template)!;
        Assert.All(good.Split(' '), path => Assert.Matches(pattern, path));
        Assert.All(bad.Split(' '), path => Assert.DoesNotMatch(pattern, path));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("")]
    [InlineData("/a b")]
    [InlineData("/a//b")]
    [InlineData("/{1}")]
    [InlineData("/{a")]
    [InlineData("/{a}/{a}")]
    [InlineData("/{a=}")]
    [InlineData("/{a=b/}")]
    [InlineData("/**/*")]
    [InlineData("/**/{a}")]
    [InlineData("/*x/y")]
    [InlineData("/{a}/{b}/{c}/{d}/{e}/{f}")]
    [InlineData("/a*")]
    public void No_path_templates(string template) => Assert.Null(UriTemplates.ToRegex(template));

    private static string PermissionJson(string permission, List<Diagnostic> told)
    {
        string json = PolicyJson($"{{'permissions':[{permission}],'principals':[{{'any':true}}]}}", told);
        return Between(json, "'permissions':[", "],'principals':[{'any':true}]}]}");
    }

    private static string PrincipalJson(string principal, List<Diagnostic> told)
    {
        string json = PolicyJson($"{{'permissions':[{{'any':true}}],'principals':[{principal}]}}", told);
        return Between(json, "'principals':[", "]}]}");
    }

    private static string PolicyJson(string policy, List<Diagnostic> told)
    {
        var rbac = new HttpRbac { Rules = new RBAC { Policies = { ["p"] = FilterJson.Message<Policy>(policy) } } };
        return FilterJson.Of(RbacFilters.Of("f", rbac.Rules, rbac.Matcher, new DiagnosticScope("a test", told))).Replace('"', '\'');
    }

    private static string Between(string text, string from, string to)
    {
        Assert.EndsWith(to, text, StringComparison.Ordinal);
        int start = text.IndexOf(from, StringComparison.Ordinal) + from.Length;
        return text[start..^to.Length];
    }
}
