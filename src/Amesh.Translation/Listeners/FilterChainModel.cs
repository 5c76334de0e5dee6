using Amesh.Apisix;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Listeners;

/// <summary>Where connections of a filter chain are going: a range of addresses (null: any) and a port (null: any).</summary>
internal readonly record struct Destination(string? Prefix, uint? Port)
{
    /// <summary>Where no chain of a listener names anything narrower.</summary>
    public static Destination Any => default;
}

/// <summary>A filter chain among those of all listeners.</summary>
internal readonly record struct ChainKey(string Listener, string Name);

/// <summary>What is kept of a filter chain.</summary>
/// <param name="Destinations">Where its connections are going.</param>
/// <param name="Chain">What listener objects hold of it.</param>
/// <param name="Secrets">What is written in the chain itself: certificates, keys, authorities, keys of tokens.</param>
/// <param name="Inline">A route configuration that is written in the chain; else null.</param>
/// <param name="Proxy">The TCP proxy that the chain ends in; else null.</param>
/// <param name="Asked">Clusters that filters ask, for keys of tokens or whether requests go on; null for none.</param>
internal sealed record FilterChainModel(
    IReadOnlyList<Destination> Destinations,
    ListenerChain Chain,
    IReadOnlyList<Secret> Secrets,
    RouteConfiguration? Inline = null,
    TcpProxyModel? Proxy = null,
    IReadOnlyList<string>? Asked = null);

/// <summary>A TCP proxy.</summary>
/// <param name="Clusters">Names and shares of its clusters, and the <see cref="Amesh.Translation.Clusters.LbMarks"/> that their endpoints must have.</param>
/// <param name="IdleTimeout">See <see cref="StreamProxy.IdleTimeout"/>.</param>
/// <param name="MaxConnectAttempts">See <see cref="StreamProxy.MaxConnectAttempts"/>.</param>
/// <param name="HashesSource">Whether balancers that go by a hash take the client's address.</param>
internal sealed record TcpProxyModel(IReadOnlyList<(string Name, uint Weight, string Marks)> Clusters, double? IdleTimeout, uint? MaxConnectAttempts, bool HashesSource);
