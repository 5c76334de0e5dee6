using Amesh.Apisix;
using Amesh.Translation.Filters;
using Amesh.Translation.Filters.Jwt;
using Amesh.Translation.Secrets;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.Filters.Network.TcpProxy.V3;
using Filter = Envoy.Config.Listener.V3.Filter;
using SourceType = Envoy.Config.Listener.V3.FilterChainMatch.Types.ConnectionSourceType;

namespace Amesh.Translation.Listeners;

/// <summary>A filter chain: which connections it takes and what becomes of them.</summary>
internal static class FilterChainTranslator
{
    /// <summary>Null where the chain's match makes no sense; a diagnostic says why.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="name">The chain's name, unique in the listener.</param>
    /// <param name="chain">The chain.</param>
    /// <param name="data">Reads what is written in files.</param>
    /// <param name="diagnostics">Where to tell what is not done.</param>
    public static FilterChainModel? Translate(string listener, string name, FilterChain chain, IDataReader data, DiagnosticScope diagnostics)
    {
        if (Closed(name, chain, diagnostics) is not { } closed)
        {
            return null;
        }

        ListenerChain matched = closed.Chain;
        (ChainTls? tls, IReadOnlyList<Secret> secrets) = DownstreamTls.Translate(
            chain.TransportSocket, listener, name, data, diagnostics.At("transport_socket"));
        if (tls is not null && matched.ServerNames is not null)
        {
            tls = tls with { Ssl = Certificates.IdOf(listener, name) };
        }

        FilterChainModel model = closed with { Chain = matched with { Tls = tls }, Secrets = secrets };
        if (DownstreamTls.IsUnknown(chain.TransportSocket))
        {
            diagnostics.Refused("transport_socket", "it is neither TLS nor plain text; the chain closes its connections");
            return model;
        }

        var before = new List<ChainFilter>();
        for (int i = 0; i < chain.Filters.Count; i++)
        {
            Filter filter = chain.Filters[i];
            if (ChainFilters.OfNetwork(filter, diagnostics) is { } translated)
            {
                before.Add(translated);
                model = model with { Chain = model.Chain with { NetworkFilters = before } };
            }

            if (filter.TypedConfig?.Is(HttpConnectionManager.Descriptor) == true)
            {
                HttpConnectionManager manager = filter.TypedConfig.Unpack<HttpConnectionManager>();
                var asked = new AskedClusters();
                var keys = new JwtKeys($"listener {listener} chain {name}", data, asked);
                HttpChain? http = HttpChains.Translate(listener, name, manager, keys, asked, diagnostics.At("filters.http_connection_manager"));
                return model with
                {
                    Chain = model.Chain with { Http = http },
                    Secrets = [.. model.Secrets, .. keys.Secrets],
                    Inline = manager.RouteConfig,
                    Asked = asked.Names,
                };
            }

            if (filter.TypedConfig?.Is(TcpProxy.Descriptor) == true)
            {
                return model with
                {
                    Chain = model.Chain with { StreamRoute = TcpProxies.IdOf(listener, name) },
                    Proxy = TcpProxies.Model(filter.TypedConfig.Unpack<TcpProxy>()),
                };
            }
        }

        diagnostics.NotYet("filters", "a chain without an HTTP connection manager or a TCP proxy closes its connections");
        return model;
    }

    /// <summary>The chain with its match alone, which closes the connections that it takes; null where the match makes no sense.</summary>
    public static FilterChainModel? Closed(string name, FilterChain chain, DiagnosticScope diagnostics)
    {
        FilterChainMatch match = chain.FilterChainMatch ?? new();
        return Match(name, match, diagnostics.At("filter_chain_match")) is { } matched && Destinations(match, diagnostics) is { } destinations
            ? new FilterChainModel(destinations, matched, [])
            : null;
    }

    private static ListenerChain? Match(string name, FilterChainMatch match, DiagnosticScope diagnostics)
    {
        bool isValid = true;
        IReadOnlyList<string>? direct = Prefixes.All(match.DirectSourcePrefixRanges, "direct_source_prefix_ranges", diagnostics, ref isValid);
        IReadOnlyList<string>? sources = Prefixes.All(match.SourcePrefixRanges, "source_prefix_ranges", diagnostics, ref isValid);
        for (int i = 0; i < match.ServerNames.Count; i++)
        {
            if (match.ServerNames[i].LastIndexOf('*') > 0 || match.ServerNames[i] is "*" or "" or ['*', not '.', ..])
            {
                diagnostics.Refused($"server_names[{i}]", "neither a name nor a wildcard for whole labels; the chain is left out");
                isValid = false;
            }
        }

        return !isValid ? null : new ListenerChain
        {
            Name = name,
            ServerNames = Sorted(match.ServerNames.Select(server => server.ToLowerInvariant())),
            Transport = match.TransportProtocol.Length == 0 ? null : match.TransportProtocol,
            Alpn = Sorted(match.ApplicationProtocols),
            SourceType = match.SourceType switch
            {
                SourceType.SameIpOrLoopback => "same_ip_or_loopback",
                SourceType.External => "external",
                _ => null,
            },
            DirectSourcePrefixes = direct,
            SourcePrefixes = sources,
            SourcePorts = match.SourcePorts.Count == 0 ? null : [.. match.SourcePorts.Distinct().Order()],
        };
    }

    // Sorted: their order says nothing, and what says nothing must not change an object.
    private static IReadOnlyList<string>? Sorted(IEnumerable<string> values)
    {
        var sorted = new SortedSet<string>(values, StringComparer.Ordinal);
        return sorted.Count == 0 ? null : [.. sorted];
    }

    private static List<Destination>? Destinations(FilterChainMatch match, DiagnosticScope diagnostics)
    {
        bool isValid = true;
        IReadOnlyList<string>? prefixes = Prefixes.All(match.PrefixRanges, "filter_chain_match.prefix_ranges", diagnostics, ref isValid);

        // Envoy's ports begin at 1.
        uint? port = match.DestinationPort is > 0 and var number ? number : null;
        return !isValid ? null : prefixes is null ? [new Destination(null, port)] : [.. prefixes.Select(prefix => new Destination(prefix, port))];
    }
}
