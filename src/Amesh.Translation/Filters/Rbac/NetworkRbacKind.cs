using Amesh.Apisix;
using Envoy.Extensions.Filters.Network.Rbac.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>The RBAC filter of connections.</summary>
internal sealed class NetworkRbacKind : IFilterKind
{
    public string Message => RBAC.Descriptor.FullName;

    public string? RouteMessage => null;

    public ChainFilter? Translate(string name, Any config, DiagnosticScope diagnostics)
    {
        RBAC rbac = config.Unpack<RBAC>();
        RbacShadow? shadow = RbacFilters.ShadowOf(rbac.ShadowRulesStatPrefix, rbac.ShadowRules, rbac.ShadowMatcher, diagnostics);
        if (rbac.Rules is null && rbac.Matcher is null && shadow is null)
        {
            return null;
        }

        ChainFilter filter = RbacFilters.Of(name, rbac.Rules, rbac.Matcher, diagnostics);
        return filter is RbacFilter decided ? decided with { Shadow = shadow } : filter;
    }

    public FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics) => throw new NotSupportedException();
}
