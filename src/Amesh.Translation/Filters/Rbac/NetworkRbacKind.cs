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
        return rbac.Rules is null && rbac.Matcher is null ? null : RbacFilters.Of(name, rbac.Rules, rbac.Matcher, diagnostics);
    }

    public FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics) => throw new NotSupportedException();
}
