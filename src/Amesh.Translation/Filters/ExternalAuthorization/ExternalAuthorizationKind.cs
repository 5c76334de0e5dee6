using Amesh.Apisix;
using Amesh.Translation.Filters.Rbac;
using Envoy.Extensions.Filters.Http.ExtAuthz.V3;
using Envoy.Type.Matcher.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Filters.ExternalAuthorization;

/// <summary>Envoy's external authorization of requests.</summary>
/// <param name="asked">Gets the cluster that is asked; null where there is none to ask, for routes.</param>
internal sealed class ExternalAuthorizationKind(AskedClusters? asked) : IFilterKind
{
    /// <summary>What routes say.</summary>
    public static ExternalAuthorizationKind OfRoutes { get; } = new(null);

    public string Message => ExtAuthz.Descriptor.FullName;

    public string? RouteMessage => ExtAuthzPerRoute.Descriptor.FullName;

    public ChainFilter? Translate(string name, Any config, DiagnosticScope diagnostics)
    {
        ExtAuthz filter = config.Unpack<ExtAuthz>();
        if (AuthorizationServices.Of(filter, asked!, diagnostics) is not { } service)
        {
            return ChainFilters.Refused(name, "it names no service that can be asked", diagnostics);
        }

        List<StringMatch>? disallowed = List(filter.DisallowedHeaders, "disallowed_headers", diagnostics);
        if (disallowed is not null && disallowed.Count < filter.DisallowedHeaders.Patterns.Count)
        {
            return ChainFilters.Refused(name, "which headers it keeps from the service cannot be told", diagnostics.At("disallowed_headers"));
        }

        HttpService? http = filter.HttpService;
        return new ExternalAuthorizationFilter
        {
            Name = name,
            Service = service,
            Ppm = filter.FilterEnabled is { } enabled && Fractions.Ppm(enabled.DefaultValue) is var ppm and < Fractions.All ? ppm : null,
            When = filter.FilterEnabledMetadata is null ? null : When(filter.FilterEnabledMetadata, diagnostics.At("filter_enabled_metadata")),
            DenyAtDisable = filter.DenyAtDisable?.DefaultValue == true ? true : null,
            FailureModeAllow = filter.FailureModeAllow ? true : null,
            FailureModeAllowHeaderAdd = filter.FailureModeAllowHeaderAdd ? true : null,
            StatusOnError = filter.StatusOnError is { Code: not Envoy.Type.V3.StatusCode.Empty } status ? (int)status.Code : null,
            Body = BodyOf(filter.WithRequestBody),
            AllowedHeaders = Shown(filter, diagnostics),
            DisallowedHeaders = disallowed,
            IncludePeerCertificate = filter.IncludePeerCertificate ? true : null,
            IncludeTlsSession = filter.IncludeTlsSession ? true : null,
            EncodeRawHeaders = filter.EncodeRawHeaders ? true : null,
            MetadataNamespaces = filter.MetadataContextNamespaces.Count == 0 ? null : [.. filter.MetadataContextNamespaces],
            UpstreamHeaders = List(http?.AuthorizationResponse?.AllowedUpstreamHeaders, "allowed_upstream_headers", diagnostics),
            UpstreamHeadersToAppend = List(http?.AuthorizationResponse?.AllowedUpstreamHeadersToAppend, "allowed_upstream_headers_to_append", diagnostics),
            ClientHeaders = List(http?.AuthorizationResponse?.AllowedClientHeaders, "allowed_client_headers", diagnostics),
            ClientHeadersOnSuccess = List(http?.AuthorizationResponse?.AllowedClientHeadersOnSuccess, "allowed_client_headers_on_success", diagnostics),
            MetadataHeaders = List(http?.AuthorizationResponse?.DynamicMetadataFromHeaders, "dynamic_metadata_from_headers", diagnostics),
            IgnoreMetadata = filter.EnableDynamicMetadataIngestion == false ? true : null,
            ClearRouteCache = filter.ClearRouteCache ? true : null,
        };
    }

    public FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics)
    {
        ExtAuthzPerRoute route = config.Unpack<ExtAuthzPerRoute>();
        if (route.OverrideCase != ExtAuthzPerRoute.OverrideOneofCase.CheckSettings)
        {
            return route.Disabled ? FilterOverride.Off : FilterOverride.On;
        }

        CheckSettings settings = route.CheckSettings;
        if (UnknownFields.In(settings, CheckSettings.Parser))
        {
            // Another service, in newer versions of Envoy: whom the chain's would let through says nothing then.
            return FilterOverride.Of(ChainFilters.Refused(name, "it says something that is not known", diagnostics.At("check_settings")));
        }

        return FilterOverride.Of(new ExternalAuthorizationFilter
        {
            Name = name,
            ContextExtensions = settings.ContextExtensions.Count == 0 ? null
                : new SortedDictionary<string, string>(settings.ContextExtensions, StringComparer.Ordinal),
            Body = BodyOf(settings.WithRequestBody),
            WithoutBody = settings.DisableRequestBodyBuffering ? true : null,
        });
    }

    private static AuthorizationBody? BodyOf(BufferSettings? settings) => settings is not { MaxRequestBytes: > 0 } ? null
        : new AuthorizationBody(settings.MaxRequestBytes)
        {
            Partial = settings.AllowPartialMessage ? true : null,
            AsBytes = settings.PackAsBytes ? true : null,
        };

    // A condition that nobody can tell holds: asking once too often keeps nobody out who may come in.
    private static MetadataMatch? When(MetadataMatcher matcher, DiagnosticScope diagnostics)
    {
        if (MetadataMatches.Of(matcher) is { } match)
        {
            return match;
        }

        diagnostics.Near("", "whether it holds cannot be told; the service is asked for every request");
        return null;
    }

    // By HTTP these are always shown, and without a list nothing else; by gRPC everything is without one.
    private static List<StringMatch>? Shown(ExtAuthz filter, DiagnosticScope diagnostics)
    {
        ListStringMatcher? list = filter.HttpService?.AuthorizationRequest?.AllowedHeaders ?? filter.AllowedHeaders;
        List<StringMatch>? shown = list is null ? null : List(list, "allowed_headers", diagnostics) ?? [];
        return filter.HttpService is null ? shown
            : [.. shown ?? [], .. AuthorizationServices.AlwaysShown.Select(header => new StringMatch { Exact = header })];
    }

    // One that cannot be made matches nothing. Null for none at all.
    private static List<StringMatch>? List(ListStringMatcher? list, string field, DiagnosticScope diagnostics)
    {
        if (list is null || list.Patterns.Count == 0)
        {
            return null;
        }

        var matches = new List<StringMatch>();
        foreach (StringMatcher pattern in list.Patterns)
        {
            if (StringMatches.Of(pattern) is { } match)
            {
                matches.Add(match);
            }
            else
            {
                diagnostics.Refused(field, "a comparison that cannot be made holds for no header");
            }
        }

        return matches;
    }
}
