using Amesh.Apisix;
using Amesh.Translation.Filters.Rbac;
using Envoy.Extensions.Filters.Network.ExtAuthz.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Filters.ExternalAuthorization;

/// <summary>External authorization of connections. No service is asked for them: it is as if none could be had.</summary>
internal sealed class NetworkExternalAuthorizationKind : IFilterKind
{
    public string Message => ExtAuthz.Descriptor.FullName;

    public string? RouteMessage => null;

    public ChainFilter? Translate(string name, Any config, DiagnosticScope diagnostics)
    {
        ExtAuthz filter = config.Unpack<ExtAuthz>();
        if (filter.FailureModeAllow)
        {
            diagnostics.Near("", "no service is asked for connections; they go on, as failure_mode_allow has it");
            return null;
        }

        RefusedFilter refused = ChainFilters.Refused(name, "no service is asked for connections", diagnostics);
        return filter.FilterEnabledMetadata is { } condition ? refused with { When = MetadataMatches.Of(condition) } : refused;
    }

    public FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics) => throw new NotSupportedException();
}
