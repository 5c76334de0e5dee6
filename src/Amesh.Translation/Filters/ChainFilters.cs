using Amesh.Apisix;
using Amesh.Translation.Filters.ExternalAuthorization;
using Amesh.Translation.Filters.Jwt;
using Amesh.Translation.Filters.Rbac;
using Envoy.Config.Core.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using EnvoyCors = Envoy.Extensions.Filters.Http.Cors.V3.Cors;
using NetworkFilter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Translation.Filters;

/// <summary>The filters of a chain that let through or refuse, in Envoy's order. None that is known to do so is left out.</summary>
internal static class ChainFilters
{
    private static readonly IFilterKind[] _http = [new HttpRbacKind()];
    private static readonly IFilterKind[] _ofRoutes = [.. _http, JwtKind.OfRoutes, ExternalAuthorizationKind.OfRoutes];
    private static readonly IFilterKind[] _network = [new NetworkRbacKind(), new NetworkExternalAuthorizationKind()];

    /// <summary>Those of a connection manager; null where there are none.</summary>
    /// <param name="filters">All of its filters.</param>
    /// <param name="keys">Reads the keys of tokens, and has those that are secret afterwards.</param>
    /// <param name="asked">Gets the clusters that filters ask.</param>
    /// <param name="diagnostics">Where to tell what is not done.</param>
    public static IReadOnlyList<ChainFilter>? OfHttp(IEnumerable<HttpFilter> filters, JwtKeys keys, AskedClusters asked, DiagnosticScope diagnostics)
    {
        IFilterKind[] kinds = [.. _http, new JwtKind(keys), new ExternalAuthorizationKind(asked)];
        var list = new List<ChainFilter>();
        int kept = 0;
        foreach (HttpFilter filter in filters)
        {
            if (filter.TypedConfig?.Is(HTTPFault.Descriptor) == true)
            {
                list.Add(new FaultPlace { Name = filter.Name });
            }
            else if (filter.TypedConfig?.Is(EnvoyCors.Descriptor) == true)
            {
                list.Add(new CorsPlace { Name = filter.Name });
            }
            else if (One(kinds, filter.Name, filter.TypedConfig, filter.ConfigDiscovery, diagnostics.At($"http_filters[{filter.Name}]")) is { } translated)
            {
                list.Add(filter.Disabled ? translated with { Disabled = true } : translated);
                kept = list.Count;
            }
        }

        // What comes after the last that refuses has its own place in the plugin.
        return kept == 0 ? null : list[..kept];
    }

    /// <summary>One that stands before a connection manager or a TCP proxy; null for those of other kinds.</summary>
    public static ChainFilter? OfNetwork(NetworkFilter filter, DiagnosticScope diagnostics) =>
        One(_network, filter.Name, filter.TypedConfig, filter.ConfigDiscovery, diagnostics.At($"filters[{filter.Name}]"));

    private static ChainFilter? One(IFilterKind[] kinds, string name, Any? config, ExtensionConfigSource? discovery, DiagnosticScope diagnostics)
    {
        if (FilterConfigs.Find(kinds, config, discovery) is not var (kind, isReadable))
        {
            return null;
        }

        if (!isReadable)
        {
            return Refused(name, "its configuration is not in the listener itself, or in a form that is not read", diagnostics);
        }

        try
        {
            return kind.Translate(name, config!, diagnostics);
        }
        catch (InvalidProtocolBufferException)
        {
            return Refused(name, $"it is no {kind.Message}", diagnostics);
        }
    }

    /// <summary>A filter that nobody gets through.</summary>
    public static RefusedFilter Refused(string name, string why, DiagnosticScope diagnostics)
    {
        diagnostics.Refused("", $"{why}; nobody gets through");
        return new RefusedFilter(why) { Name = name };
    }

    /// <summary>The kinds that routes can say something of.</summary>
    internal static IEnumerable<IFilterKind> HttpKinds => _ofRoutes;
}
