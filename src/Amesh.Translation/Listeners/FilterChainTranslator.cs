using System.Net;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using EnvoyWeighted = Envoy.Config.Route.V3.WeightedCluster;
using Filter = Envoy.Config.Listener.V3.Filter;
using PathAction = Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types.PathWithEscapedSlashesAction;
using Route = Envoy.Config.Route.V3.Route;

namespace Amesh.Translation.Listeners;

/// <summary>A filter chain as the HTTP gateway sees it: which destinations it takes and how their requests are routed.</summary>
internal static class FilterChainTranslator
{
    /// <summary>Null where the chain has nothing for plain HTTP; a diagnostic says what is left out.</summary>
    public static FilterChainModel? Translate(string listener, string name, FilterChain chain, DiagnosticScope diagnostics)
    {
        if (Destinations(chain.FilterChainMatch, diagnostics) is not { } destinations)
        {
            return null;
        }

        foreach (Filter filter in chain.Filters)
        {
            if (filter.TypedConfig?.Is(HttpConnectionManager.Descriptor) == true)
            {
                return Http(listener, name, filter.TypedConfig.Unpack<HttpConnectionManager>(), destinations, diagnostics);
            }

            if (filter.TypedConfig?.Is(TcpProxy.Descriptor) == true)
            {
                return Tcp(listener, name, filter.TypedConfig.Unpack<TcpProxy>(), destinations);
            }
        }

        diagnostics.NotYet("filters", "a chain without an HTTP connection manager or a TCP proxy takes no requests");
        return null;
    }

    private static FilterChainModel? Http(
        string listener, string name, HttpConnectionManager manager, IReadOnlyList<Destination> destinations, DiagnosticScope diagnostics)
    {
        string routeConfig;
        switch (manager.RouteSpecifierCase)
        {
            case HttpConnectionManager.RouteSpecifierOneofCase.Rds:
                routeConfig = manager.Rds.RouteConfigName;
                break;
            case HttpConnectionManager.RouteSpecifierOneofCase.RouteConfig:
                // Inline configurations of two listeners may have one name and different contents.
                routeConfig = $"{listener}/{name}";
                break;
            default:
                diagnostics.NotYet("filters.http_connection_manager.scoped_routes", "a chain with scoped routes takes no requests");
                return null;
        }

        return new FilterChainModel(
            name,
            destinations,
            routeConfig,
            manager.RouteConfig,
            manager.NormalizePath ?? false,
            manager.MergeSlashes,
            manager.PathWithEscapedSlashesAction switch
            {
                PathAction.RejectRequest => "reject",
                PathAction.UnescapeAndRedirect => "unescape_redirect",
                PathAction.UnescapeAndForward => "unescape_forward",
                _ => "keep",
            },
            IsHttp: true);
    }

    // A TCP proxy passes every byte on. As long as the connection speaks HTTP, that is one route for everything.
    private static FilterChainModel Tcp(string listener, string name, TcpProxy proxy, IReadOnlyList<Destination> destinations)
    {
        var action = new RouteAction { Timeout = new() };
        if (proxy.ClusterSpecifierCase == TcpProxy.ClusterSpecifierOneofCase.WeightedClusters)
        {
            action.WeightedClusters = new EnvoyWeighted();
            foreach (TcpProxy.Types.WeightedCluster.Types.ClusterWeight cluster in proxy.WeightedClusters.Clusters)
            {
                action.WeightedClusters.Clusters.Add(new EnvoyWeighted.Types.ClusterWeight { Name = cluster.Name, Weight = cluster.Weight });
            }
        }
        else
        {
            action.Cluster = proxy.Cluster;
        }

        var everything = new VirtualHost { Name = "tcp", Domains = { "*" } };
        everything.Routes.Add(new Route { Match = new RouteMatch { Prefix = "/" }, Route_ = action });
        return new FilterChainModel(
            name,
            destinations,
            $"{listener}/{name}",
            new RouteConfiguration { VirtualHosts = { everything } },
            NormalizePath: false,
            MergeSlashes: false,
            EscapedSlashes: "keep",
            IsHttp: false);
    }

    private static List<Destination>? Destinations(FilterChainMatch? match, DiagnosticScope diagnostics)
    {
        if (match is null)
        {
            return [new Destination(null, null)];
        }

        if (match.ServerNames.Count > 0 || match.TransportProtocol == "tls" || !TakesHttp(match))
        {
            diagnostics.NotYet("filter_chain_match", "connections other than plain HTTP are not taken yet");
            return null;
        }

        if (match.SourcePrefixRanges.Count > 0 || match.DirectSourcePrefixRanges.Count > 0 || match.SourcePorts.Count > 0
            || match.SourceType != FilterChainMatch.Types.ConnectionSourceType.Any)
        {
            diagnostics.NotYet("filter_chain_match", "a chain for some sources alone takes no requests");
            return null;
        }

        uint? port = match.DestinationPort;
        var destinations = new List<Destination>();
        for (int i = 0; i < match.PrefixRanges.Count; i++)
        {
            Envoy.Config.Core.V3.CidrRange range = match.PrefixRanges[i];
            if (IPAddress.TryParse(range.AddressPrefix, out IPAddress? address)
                && (range.PrefixLen ?? 0) == (uint)address.GetAddressBytes().Length * 8)
            {
                destinations.Add(new Destination(address.ToString(), port));
            }
            else
            {
                diagnostics.NotYet(
                    $"filter_chain_match.prefix_ranges[{i}]", $"{range.AddressPrefix}/{range.PrefixLen} is no single address and is left out");
            }
        }

        return match.PrefixRanges.Count > 0 ? destinations : [new Destination(null, port)];
    }

    private static bool TakesHttp(FilterChainMatch match) =>
        match.ApplicationProtocols.Count == 0 || match.ApplicationProtocols.Contains("http/1.1") || match.ApplicationProtocols.Contains("h2c");
}
