namespace Amesh.Translation.Listeners;

/// <summary>Where connections of a filter chain come in: an address (null: the listener's own) and a port (null: the listener's own).</summary>
internal readonly record struct Destination(string? Address, uint? Port);

/// <summary>What becomes of plain HTTP on a filter chain.</summary>
/// <param name="Name">The chain's name inside its listener.</param>
/// <param name="Destinations">Where its connections come in.</param>
/// <param name="RouteConfig">The route configuration its requests are routed by.</param>
/// <param name="Inline">A route configuration that is written in the chain, or made for a TCP proxy; else null.</param>
/// <param name="NormalizePath">See <see cref="Apisix.Listener.NormalizePath"/>.</param>
/// <param name="MergeSlashes">See <see cref="Apisix.Listener.MergeSlashes"/>.</param>
/// <param name="EscapedSlashes">See <see cref="Apisix.Listener.EscapedSlashes"/>.</param>
/// <param name="IsHttp">Whether the chain is for HTTP; one that is for TCP takes HTTP only where no chain for HTTP does.</param>
internal sealed record FilterChainModel(
    string Name,
    IReadOnlyList<Destination> Destinations,
    string RouteConfig,
    Envoy.Config.Route.V3.RouteConfiguration? Inline,
    bool NormalizePath,
    bool MergeSlashes,
    string EscapedSlashes,
    bool IsHttp);
