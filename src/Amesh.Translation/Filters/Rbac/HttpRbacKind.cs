using Amesh.Apisix;
using Envoy.Extensions.Filters.Http.Rbac.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>The RBAC filter of requests.</summary>
internal sealed class HttpRbacKind : IFilterKind
{
    public string Message => RBAC.Descriptor.FullName;

    public string? RouteMessage => RBACPerRoute.Descriptor.FullName;

    // One that says nothing is there, too: a route may say something.
    public ChainFilter Translate(string name, Any config, DiagnosticScope diagnostics) => Of(name, config.Unpack<RBAC>(), diagnostics);

    public FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics) =>
        config.Unpack<RBACPerRoute>().Rbac is { } rbac ? FilterOverride.Of(Of(name, rbac, diagnostics.At("rbac"))) : FilterOverride.Off;

    private static ChainFilter Of(string name, RBAC rbac, DiagnosticScope diagnostics)
    {
        RbacShadow? shadow = RbacFilters.ShadowOf(rbac.ShadowRulesStatPrefix, rbac.ShadowRules, rbac.ShadowMatcher, diagnostics);
        ChainFilter filter = RbacFilters.Of(name, rbac.Rules, rbac.Matcher, diagnostics);
        return filter is RbacFilter decided ? decided with { Shadow = shadow } : filter;
    }
}
