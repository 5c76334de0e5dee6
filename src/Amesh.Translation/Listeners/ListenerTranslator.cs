using Amesh.Apisix;

namespace Amesh.Translation.Listeners;

/// <summary>What is kept of a listener beside its chains.</summary>
/// <param name="Address">The address that it is for.</param>
/// <param name="Port">The port that it is for; 0 for any, where it takes connections for destinations that no other listener has.</param>
/// <param name="IsOutbound">Whether it is for what the workload itself sends.</param>
internal sealed record ListenerModel(string Address, uint Port, bool IsOutbound)
{
    public static ListenerModel? From(Envoy.Config.Listener.V3.Listener listener, DiagnosticScope diagnostics)
    {
        if (listener.Address?.SocketAddress is not { Address.Length: > 0 } address)
        {
            diagnostics.NotYet("address", "a listener that is not on an IP address takes no requests");
            return null;
        }

        bool outbound = listener.TrafficDirection != Envoy.Config.Core.V3.TrafficDirection.Inbound;
        if (!outbound)
        {
            diagnostics.NotYet("traffic_direction", "requests to the workload itself are not taken yet");
        }

        // use_original_dst: the listener hands connections to the one that is for their destination and keeps the rest.
        return new ListenerModel(address.Address, listener.UseOriginalDst == true ? 0 : address.PortValue, outbound);
    }
}

/// <summary>A listener and its chains as Amesh's listener objects, one for each destination.</summary>
internal static class ListenerTranslator
{
    public static IEnumerable<Listener> Translate(string name, ListenerModel listener, IEnumerable<FilterChainModel> chains)
    {
        // HTTP before TCP: what Envoy decides by looking at the first bytes is decided already where HTTP arrives.
        return chains
            .SelectMany(chain => chain.Destinations.Select(destination => (chain, destination)))
            .GroupBy(d => (Address: d.destination.Address ?? listener.Address, Port: d.destination.Port ?? listener.Port), d => d.chain)
            .Select(group => ListenerOf(name, group.Key.Address, group.Key.Port, Preferred(group)));
    }

    private static FilterChainModel Preferred(IEnumerable<FilterChainModel> chains) =>
        chains.OrderByDescending(chain => chain.IsHttp).ThenBy(chain => chain.Name, StringComparer.Ordinal).First();

    private static Listener ListenerOf(string name, string address, uint port, FilterChainModel chain) => new()
    {
        Id = ObjectId.From($"{name} {address} {port}"),
        Name = Names.Readable(name),
        Address = address,
        Port = port,
        RouteConfig = chain.RouteConfig,
        NormalizePath = chain.NormalizePath,
        MergeSlashes = chain.MergeSlashes,
        EscapedSlashes = chain.EscapedSlashes,
    };
}
