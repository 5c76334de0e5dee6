using Amesh.Apisix;
using Amesh.Translation.Filters;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using CorsPolicy = Envoy.Extensions.Filters.Http.Cors.V3.CorsPolicy;
using EnvoyRoute = Envoy.Config.Route.V3.Route;
using EnvoyVirtualHost = Envoy.Config.Route.V3.VirtualHost;

namespace Amesh.Translation.Routes;

/// <summary>An Envoy virtual host as APISIX routes, and the object that says which domains and which order they have.</summary>
internal sealed class VirtualHostTranslator
{
    /// <summary>The label that tells a route of the mesh from one of the user's, and whose it is.</summary>
    public const string VirtualHostLabel = "amesh_virtual_host";

    private const string OriginLabel = "amesh_origin";
    private const string RouteConfigVariable = "amesh_route_config";
    private const string RequestHeaders = "request_headers_to_add";
    private const string ResponseHeaders = "response_headers_to_add";

    private readonly RouteScope _scope;
    private readonly EnvoyVirtualHost _virtualHost;
    private readonly DiagnosticScope _diagnostics;
    private readonly string _id;
    private readonly IReadOnlyList<string> _domains;
    private readonly IReadOnlyList<string>? _hosts;
    private readonly SortedSet<string> _clusters = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ids = [];

    private VirtualHostTranslator(RouteScope scope, EnvoyVirtualHost virtualHost, DiagnosticScope diagnostics)
    {
        _scope = scope;
        _virtualHost = virtualHost;
        _diagnostics = diagnostics;
        _id = ObjectId.From($"{virtualHost.Name} {scope.RouteConfig}");
        _domains = [.. virtualHost.Domains.Select(d => d.ToLowerInvariant()).Distinct()];
        _hosts = Hosts.Of(_domains, diagnostics);
    }

    public static TranslatedVirtualHost Translate(RouteScope scope, EnvoyVirtualHost virtualHost, DiagnosticScope diagnostics) =>
        new VirtualHostTranslator(scope, virtualHost, diagnostics).Translate();

    private TranslatedVirtualHost Translate()
    {
        var routes = new List<Route>();
        if (_virtualHost.RequireTls == EnvoyVirtualHost.Types.TlsRequirementType.All)
        {
            routes.Add(HttpsAlone());
        }
        else if (_virtualHost.RequireTls == EnvoyVirtualHost.Types.TlsRequirementType.ExternalOnly)
        {
            _diagnostics.NotYet("require_tls", "requests from outside are not told from others; none is redirected to https");
        }

        for (int i = 0; i < _virtualHost.Routes.Count; i++)
        {
            EnvoyRoute route = _virtualHost.Routes[i];

            // Priorities count from the end: what Istio users do most is to put a route in front of the catch-all.
            int priority = _virtualHost.Routes.Count - 1 - i;
            if (TranslateRoute(route, priority, _diagnostics.At($"routes[{(route.Name.Length > 0 ? route.Name : i)}]", Origins.Of(route.Metadata))) is { } translated)
            {
                routes.Add(translated);
            }
        }

        var virtualHost = new VirtualHost
        {
            Id = _id,
            Name = Names.Readable(_virtualHost.Name),
            RouteConfig = _scope.RouteConfig,
            Domains = _domains,
            Routes = [.. routes.Select(r => r.Id)],
            IgnorePort = _scope.Configuration.IgnorePortInHostMatching,
        };
        return new TranslatedVirtualHost(routes, virtualHost, _clusters);
    }

    // Before any route, and whether one would match or not.
    private Route HttpsAlone() => new()
    {
        Id = ObjectId.From($"{_virtualHost.Name} {_scope.RouteConfig} https"),
        Name = Names.Readable(_virtualHost.Name),
        Hosts = _hosts,
        Priority = _virtualHost.Routes.Count,
        Labels = new Dictionary<string, string> { [VirtualHostLabel] = _id },
        Vars = [Predicate.Equal(RouteConfigVariable, _scope.RouteConfig), Predicate.Equal("amesh_scheme", "http")],
        Plugins = new RoutePlugins(new AmeshPlugin { Redirect = new Redirect { Status = 301, Scheme = "https" } }),
    };

    private Route? TranslateRoute(EnvoyRoute route, int priority, DiagnosticScope diagnostics)
    {
        if (route.Match is not { } match)
        {
            diagnostics.Refused("match", "a route without a match is left out");
            return null;
        }

        if (RouteMatching.Translate(match, diagnostics.At("match")) is not { } conditions)
        {
            return null;
        }

        (string? upstreamId, AmeshPlugin plugin) = Action(route, diagnostics);
        return new Route
        {
            Id = IdOf(match),
            Name = Names.Readable(route.Name.Length > 0 ? route.Name : _virtualHost.Name),
            Hosts = _hosts,
            Priority = priority,
            Labels = LabelsOf(route),
            Vars = [Predicate.Equal(RouteConfigVariable, _scope.RouteConfig), .. conditions],
            UpstreamId = upstreamId,
            EnableWebsocket = true,
            Plugins = new RoutePlugins(WithFilters(plugin, route, diagnostics)),
        };
    }

    private (string? UpstreamId, AmeshPlugin Plugin) Action(EnvoyRoute route, DiagnosticScope diagnostics)
    {
        switch (route.ActionCase)
        {
            case EnvoyRoute.ActionOneofCase.Route_:
                (string? upstreamId, AmeshPlugin? plugin) = new RouteActions(_scope, _virtualHost, _clusters)
                    .Translate(route.Route_, route.Match, diagnostics.At("route"));
                return (upstreamId, plugin! with { BodyLimit = route.PerRequestBufferLimitBytes ?? _virtualHost.PerRequestBufferLimitBytes });
            case EnvoyRoute.ActionOneofCase.Redirect:
                return (null, new AmeshPlugin { Redirect = Redirects.Translate(route.Redirect, route.Match, diagnostics.At("redirect")) });
            case EnvoyRoute.ActionOneofCase.DirectResponse:
                return (null, new AmeshPlugin { DirectResponse = DirectResponses.Translate(route.DirectResponse, diagnostics.At("direct_response")) });
            default:
                diagnostics.NotYet("action", $"{route.ActionCase} is not translated; the answer is 503");
                return (null, new AmeshPlugin { DirectResponse = new DirectResponse(503, null) });
        }
    }

    private AmeshPlugin WithFilters(AmeshPlugin plugin, EnvoyRoute route, DiagnosticScope diagnostics)
    {
        Fault? fault = Configured(route.TypedPerFilterConfig, HTTPFault.Descriptor.FullName) is { } faultConfig
            ? Faults.Translate(faultConfig.Unpack<HTTPFault>(), route.Route_?.Cluster ?? "", diagnostics.At("typed_per_filter_config[envoy.filters.http.fault]"))
            : null;
        Cors? cors = Configured(route.TypedPerFilterConfig, CorsPolicy.Descriptor.FullName) is { } corsConfig
            ? CrossOrigin.Translate(corsConfig.Unpack<CorsPolicy>(), diagnostics.At("typed_per_filter_config[envoy.filters.http.cors]"))
            : null;
        return plugin with
        {
            Fault = fault,
            Cors = cors,
            Filters = RouteFilters.WithClusters(
                RouteFilters.Of([route.TypedPerFilterConfig, _virtualHost.TypedPerFilterConfig, _scope.Configuration.TypedPerFilterConfig], diagnostics),
                route.Route_?.WeightedClusters,
                diagnostics.At("route.weighted_clusters")),
            AttemptCount = _virtualHost.IncludeRequestAttemptCount ? true : null,
            AttemptCountInResponse = _virtualHost.IncludeAttemptCountInResponse ? true : null,
            InternalOnly = _scope.Configuration.InternalOnlyHeaders.Count == 0
                ? null : [.. _scope.Configuration.InternalOnlyHeaders.Select(name => name.ToLowerInvariant())],
            RequestHeaders = InOrder(
                mutations => mutations.Level(route.RequestHeadersToAdd, route.RequestHeadersToRemove, RequestHeaders, diagnostics),
                mutations => mutations.Level(_virtualHost.RequestHeadersToAdd, _virtualHost.RequestHeadersToRemove, RequestHeaders, _diagnostics),
                mutations => mutations.Level(
                    _scope.Configuration.RequestHeadersToAdd, _scope.Configuration.RequestHeadersToRemove, RequestHeaders, _diagnostics)),
            ResponseHeaders = InOrder(
                mutations => mutations.Level(route.ResponseHeadersToAdd, route.ResponseHeadersToRemove, ResponseHeaders, diagnostics),
                mutations => mutations.Level(_virtualHost.ResponseHeadersToAdd, _virtualHost.ResponseHeadersToRemove, ResponseHeaders, _diagnostics),
                mutations => mutations.Level(
                    _scope.Configuration.ResponseHeadersToAdd, _scope.Configuration.ResponseHeadersToRemove, ResponseHeaders, _diagnostics)),
        };
    }

    // From route over virtual host to route configuration, so that the least specific has the last word, unless it is asked for
    // the other way round.
    private IReadOnlyList<HeaderMutation>? InOrder(params ReadOnlySpan<Func<HeaderMutations, HeaderMutations>> levels)
    {
        var mutations = new HeaderMutations();
        for (int i = 0; i < levels.Length; i++)
        {
            levels[_scope.Configuration.MostSpecificHeaderMutationsWins ? levels.Length - 1 - i : i](mutations);
        }

        return mutations.OrNull;
    }

    // The most specific level that configures the filter wins: route, virtual host, route configuration. By type: filter
    // names are not canonical.
    private Any? Configured(MapField<string, Any> onRoute, string message) =>
        Find(onRoute, message) ?? Find(_virtualHost.TypedPerFilterConfig, message) ?? Find(_scope.Configuration.TypedPerFilterConfig, message);

    private static Any? Find(MapField<string, Any> configs, string message)
    {
        foreach (Any config in configs.Values)
        {
            if (Any.GetTypeName(config.TypeUrl) == message)
            {
                return config;
            }
        }

        return null;
    }

    // A route is what it matches: its id stays when others come and go beside it, and when its action changes.
    private string IdOf(Envoy.Config.Route.V3.RouteMatch match)
    {
        string about = $"{_virtualHost.Name} {_scope.RouteConfig} {match.ToByteString().ToBase64()}";
        string id = ObjectId.From(about);
        for (int i = 2; !_ids.Add(id); i++)
        {
            id = ObjectId.From($"{about} {i}");
        }

        return id;
    }

    private Dictionary<string, string> LabelsOf(EnvoyRoute route)
    {
        var labels = new Dictionary<string, string> { [VirtualHostLabel] = _id };
        if (Origins.Of(route.Metadata) is { } origin && Schema.IsLabel(origin))
        {
            labels[OriginLabel] = origin;
        }

        return labels;
    }
}
