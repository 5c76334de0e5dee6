using System.Text;
using Amesh.Apisix;
using Amesh.Xds;
using Amesh.Xds.Store;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using EnvoyListener = Envoy.Config.Listener.V3.Listener;
using EnvoyRouteConfiguration = Envoy.Config.Route.V3.RouteConfiguration;
using Filter = Envoy.Config.Listener.V3.Filter;
using JwtHeader = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtHeader;
using JwtProvider = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtProvider;
using JwtRequirement = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtRequirement;
using RemoteJwks = Envoy.Extensions.Filters.Http.JwtAuthn.V3.RemoteJwks;
using Route = Envoy.Config.Route.V3.Route;
using VirtualHost = Envoy.Config.Route.V3.VirtualHost;

namespace Amesh.Translation.Tests.Filters;

/// <summary>JWT filters of a chain, their keys, and what routes say of them. What cannot be made out lets nobody through.</summary>
public sealed class JwtFilterTests
{
    private const string Name = "envoy.filters.http.jwt_authn";
    private const string PublicKeys = """{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}""";
    private const string SharedKeys = """{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""";

    private readonly Translator _translator = new();
    private readonly ResourceStore _store;

    public JwtFilterTests()
    {
        _store = new ResourceStore(_translator);
        _translator.ReadFrom(_store);
    }

    [Fact]
    public void A_filter_comes_to_stand_in_its_chain()
    {
        JwtProvider provider = Provider(PublicKeys);
        provider.Issuer = "https://issuer";
        provider.Audiences.Add("shop");
        provider.Subjects = new StringMatcher { Prefix = "spiffe://" };
        provider.MaxLifetime = new Duration { Seconds = 60 };
        provider.FromHeaders.Add(new JwtHeader { Name = "X-Jwt", ValuePrefix = "Token " });
        provider.FromParams.Add("token");
        provider.ForwardPayloadHeader = "X-Payload";
        provider.ClaimToHeaders.Add(new JwtClaimToHeader { HeaderName = "X-Sub", ClaimName = "sub" });
        provider.PayloadInMetadata = "payload";
        provider.NormalizePayloadInMetadata = new JwtProvider.Types.NormalizePayload { SpaceDelimitedClaims = { "scope" } };
        JwtAuthentication filter = With(provider, new JwtRequirement
        {
            RequiresAny = new JwtRequirementOrList
            {
                Requirements = { new JwtRequirement { ProviderName = "p" }, new JwtRequirement { AllowMissing = new Empty() } },
            },
        });
        filter.Rules[0].Match = new RouteMatch { Prefix = "/a" };
        filter.BypassCorsPreflight = true;
        Set(filter);

        Assert.Equal(
            """
            "filters":[{"type":"jwt","name":"envoy.filters.http.jwt_authn","providers":[{"name":"p","issuer":"https://issuer","audiences":["shop"],"subjects":{"prefix":"spiffe://"},
            "max_lifetime":60,"jwks":"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}","from_headers":[{"name":"x-jwt","value_prefix":"Token "}],
            "from_params":["token"],"forward_payload_header":"x-payload","claim_to_headers":[{"header":"x-sub","claim":"sub"}],
            "payload_in_metadata":"payload","space_delimited_claims":["scope"]}],
            "rules":[{"when":[["amesh_path","~~","^/a"]],"requires":{"any":[{"provider":"p"},{"allow_missing":true}]}}],
            "bypass_cors_preflight":true}]
            """.ReplaceLineEndings(""),
            Filters());
        Assert.DoesNotContain(_translator.Diagnostics, d => d.Field.Contains("jwt", StringComparison.Ordinal));
    }

    [Fact]
    public void Keys_that_are_shared_secrets_are_an_object_of_their_own_which_nothing_shows()
    {
        foreach (string keys in new[]
        {
            SharedKeys, """{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}]}""", """{"keys":[{"\u006bty":"\u006fct","\u006b":"AQAB"}]}""",
            """{"keys":[],"more":{"k":"AQAB"}}""", """{"a":"-----BEGIN PRIVATE KEY-----\n"}""",
        })
        {
            Set(With(Provider(keys), Asked()));
            (ObjectKey key, ReadOnlyMemory<byte> json) = Assert.Single(_translator.Objects.Where(o => o.Key.Kind == ObjectKind.Secret).Select(o => (o.Key, o.Json)));
            Assert.Contains($"\"jwks_secret\":\"{key.Id}\"", Filters(), StringComparison.Ordinal);
            Assert.DoesNotContain("AQAB", Filters(), StringComparison.Ordinal);
            Assert.DoesNotContain("c2VjcmV0", Filters(), StringComparison.Ordinal);
            Assert.Contains("\"jwks\":\"{", Encoding.UTF8.GetString(json.Span), StringComparison.Ordinal);
            Assert.Equal("redacted", Redaction.Of(key, json.Span)!["jwks"]!.ToString());
        }

        Set(With(Provider(PublicKeys), Asked()));
        Assert.DoesNotContain(_translator.Objects, o => o.Key.Kind == ObjectKind.Secret);
    }

    [Fact]
    public void Keys_in_a_file_are_read_again_when_it_changes()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, PublicKeys);
            Set(With(new JwtProvider { LocalJwks = new DataSource { Filename = file } }, Asked()));
            Assert.Contains("\"jwks\":\"{", Filters(), StringComparison.Ordinal);

            File.WriteAllText(file, PublicKeys.Replace("\"n\":\"AQAB\"", "\"n\":\"AQAD\"", StringComparison.Ordinal));
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddSeconds(5));
            _translator.Reread();
            _translator.Reread();
            Assert.Contains("AQAD", Filters(), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("x")]
    [InlineData("[]")]
    [InlineData("\"oct\"")]
    public void Keys_that_are_none_are_left_out_and_told(string keys)
    {
        Set(With(Provider(keys), Asked()));
        Assert.DoesNotContain("jwks", Filters(), StringComparison.Ordinal);
        Assert.Contains(_translator.Diagnostics, d => d.Severity == Severity.Refused && d.Field.EndsWith("local_jwks", StringComparison.Ordinal));
    }

    [Fact]
    public void Keys_that_are_fetched_are_asked_for_by_the_cluster()
    {
        Set(With(
            new JwtProvider
            {
                RemoteJwks = new RemoteJwks
                {
                    HttpUri = new HttpUri { Uri = "https://issuer.example:8443/keys?a=b", Cluster = "outbound|8443||issuer", Timeout = new Duration { Seconds = 5 } },
                    CacheDuration = new Duration { Seconds = 300 },
                    AsyncFetch = new JwksAsyncFetch { FailedRefetchDuration = new Duration { Seconds = 3 } },
                    RetryPolicy = new Envoy.Config.Core.V3.RetryPolicy(),
                },
            },
            Asked()));
        Assert.Contains(
            "\"cluster\":\"outbound|8443||issuer\",\"host\":\"issuer.example:8443\",\"path\":\"/keys?a=b\",\"timeout\":5,\"cache\":300,\"async\":true,\"failed_refetch\":3,\"retries\":1}",
            Filters(),
            StringComparison.Ordinal);
        Set(TypeUrls.Cluster, "outbound|8443||issuer", new Cluster { Name = "outbound|8443||issuer", LoadAssignment = new ClusterLoadAssignment { ClusterName = "outbound|8443||issuer" } });
        Assert.Contains(Assert.Single(_translator.Objects, o => o.Key.Kind == ObjectKind.Upstream).Key.Id, Filters(), StringComparison.Ordinal);
        Set(TypeUrls.Cluster, "outbound|8443||issuer", new Cluster { Name = "outbound|8443||issuer", LbPolicy = Cluster.Types.LbPolicy.Random, LoadAssignment = new ClusterLoadAssignment { ClusterName = "outbound|8443||issuer" } });
        Assert.Single(Of(ObjectKind.Upstream));

        Set(With(new JwtProvider { RemoteJwks = new RemoteJwks { HttpUri = new HttpUri { Uri = "http://a b/", Cluster = "c" } } }, Asked()));
        Assert.DoesNotContain("remote", Filters(), StringComparison.Ordinal);
        Assert.Empty(Of(ObjectKind.Upstream));
    }

    [Fact]
    public void A_filter_that_makes_no_sense_lets_nobody_through()
    {
        var unknownKind = JwtRequirement.Parser.ParseFrom(new byte[] { 0x7a, 0x00 });
        JwtAuthentication state = With(Provider(PublicKeys), Asked());
        state.FilterStateRules = new FilterStateRule { Name = "x" };
        JwtAuthentication template = With(Provider(PublicKeys), Asked());
        template.Rules[0].Match = new RouteMatch { PathMatchPolicy = new TypedExtensionConfig { Name = "x" } };
        JwtAuthentication regex = With(Provider(PublicKeys), Asked());
        regex.Rules[0].Match = new RouteMatch { SafeRegex = new RegexMatcher { Regex = "(" } };
        JwtAuthentication unnamed = With(Provider(PublicKeys), Asked());
        unnamed.Rules.Add(new RequirementRule { Match = new RouteMatch { Prefix = "/" }, RequirementName = "none" });
        JwtAuthentication mapped = With(Provider(PublicKeys), Asked());
        mapped.RequirementMap["x"] = new JwtRequirement { ProviderName = "other" };
        foreach (JwtAuthentication filter in new[]
        {
            With(Provider(PublicKeys), new JwtRequirement { ProviderName = "other" }),
            With(Provider(PublicKeys), unknownKind),
            With(Provider(PublicKeys), new JwtRequirement { RequiresAll = new JwtRequirementAndList() }),
            With(Provider(PublicKeys), new JwtRequirement { RequiresAny = new JwtRequirementOrList { Requirements = { Asked(), unknownKind } } }),
            state, template, regex, unnamed, mapped,
        })
        {
            Set(filter);
            Assert.StartsWith("\"filters\":[{\"type\":\"refused\",", Filters(), StringComparison.Ordinal);
            Assert.Contains(_translator.Diagnostics, d => d.Severity == Severity.Refused && d.Field.Contains(Name, StringComparison.Ordinal));
        }

        Set(With(Provider(PublicKeys), new JwtRequirement()));
        Assert.Contains("\"rules\":[{\"requires\":{}}]", Filters(), StringComparison.Ordinal);
    }

    [Fact]
    public void Routes_switch_the_filter_off_or_name_a_requirement()
    {
        Assert.Equal("\"filters\":{\"envoy.filters.http.jwt_authn\":false}", RouteSays(new PerRouteConfig { Disabled = true }));
        Assert.Equal(
            "\"filters\":{\"envoy.filters.http.jwt_authn\":{\"type\":\"jwt\",\"name\":\"envoy.filters.http.jwt_authn\",\"requirement\":\"x\"}}",
            RouteSays(new PerRouteConfig { RequirementName = "x" }));
    }

    private static JwtProvider Provider(string keys) => new() { LocalJwks = new DataSource { InlineString = keys } };

    private static JwtRequirement Asked() => new() { ProviderName = "p" };

    private static JwtAuthentication With(JwtProvider provider, JwtRequirement requirement) => new()
    {
        Providers = { ["p"] = provider },
        Rules = { new RequirementRule { Match = new RouteMatch { Prefix = "/" }, Requires = requirement } },
    };

    private void Set(JwtAuthentication filter)
    {
        var manager = new HttpConnectionManager
        {
            Rds = new Rds { RouteConfigName = "r", ConfigSource = new ConfigSource { Ads = new AggregatedConfigSource() } },
            HttpFilters = { new HttpFilter { Name = Name, TypedConfig = Any.Pack(filter) } },
        };
        Set(TypeUrls.Listener, "l", new EnvoyListener
        {
            Name = "l",
            Address = new Address { SocketAddress = new SocketAddress { Address = "0.0.0.0", PortValue = 15006 } },
            FilterChains = { new FilterChain { Name = "c", Filters = { new Filter { Name = "http", TypedConfig = Any.Pack(manager) } } } },
        });
    }

    // The route's overrides, as JSON.
    private string RouteSays(PerRouteConfig config)
    {
        Set(With(Provider(PublicKeys), Asked()));
        Set(TypeUrls.RouteConfiguration, "r", new EnvoyRouteConfiguration
        {
            Name = "r",
            VirtualHosts =
            {
                new VirtualHost
                {
                    Name = "v",
                    Domains = { "*" },
                    Routes =
                    {
                        new Route
                        {
                            Match = new RouteMatch { Prefix = "/" },
                            DirectResponse = new DirectResponseAction { Status = 200 },
                            TypedPerFilterConfig = { [Name] = Any.Pack(config) },
                        },
                    },
                },
            },
        });
        return Part(Assert.Single(Of(ObjectKind.Route)), '{');
    }

    private string Filters() => Part(Assert.Single(Of(ObjectKind.Listener)), '[');

    // The member "filters" with its value.
    private static string Part(string json, char opening)
    {
        int start = json.IndexOf($"\"filters\":{opening}", StringComparison.Ordinal);
        int end = start + "\"filters\":".Length;
        int depth = 0;
        bool isText = false;
        do
        {
            char c = json[end++];
            if (c == '\\')
            {
                end++;
            }
            else if (c == '"')
            {
                isText = !isText;
            }
            else if (!isText)
            {
                depth += c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
            }
        }
        while (depth > 0);
        return json[start..end];
    }

    private IEnumerable<string> Of(ObjectKind kind) =>
        _translator.Objects.Where(o => o.Key.Kind == kind).Select(o => Encoding.UTF8.GetString(o.Json.Span));

    private void Set(string typeUrl, string name, IMessage message)
    {
        Assert.Empty(_store.Apply(new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(name, "1", message.ToByteArray())], [], false)));
        _store.Quiet();
    }
}
