using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Listeners;

/// <summary>What is kept of a listener beside its chains.</summary>
/// <param name="Addresses">Where it listens; the first is the main one.</param>
/// <param name="OriginalDst">See <see cref="Apisix.Listener.OriginalDst"/>.</param>
/// <param name="IsBound">Whether Envoy binds its port.</param>
/// <param name="Direction">See <see cref="Apisix.Listener.Direction"/>.</param>
/// <param name="Inspectors">What looks at first bytes, <c>tls</c> before <c>http</c>.</param>
/// <param name="InspectTimeout">See <see cref="Apisix.Listener.InspectTimeout"/>.</param>
/// <param name="ContinuesOnTimeout">See <see cref="Apisix.Listener.ContinueOnTimeout"/>.</param>
/// <param name="BufferLimit">See <see cref="Apisix.Listener.BufferLimit"/>.</param>
internal sealed record ListenerModel(
    IReadOnlyList<SocketPlace> Addresses,
    string? OriginalDst,
    bool IsBound,
    string? Direction,
    IReadOnlyList<Inspector> Inspectors,
    double InspectTimeout,
    bool ContinuesOnTimeout,
    uint? BufferLimit)
{
    // Envoy's default for Listener.listener_filters_timeout.
    private const double DefaultTimeout = 15;

    private static readonly string RestoresDestination = Envoy.Extensions.Filters.Listener.OriginalDst.V3.OriginalDst.Descriptor.FullName;

    public static ListenerModel? From(Listener listener, DiagnosticScope diagnostics)
    {
        var addresses = new List<SocketPlace>();
        foreach (Address? address in listener.AdditionalAddresses.Select(additional => additional.Address).Prepend(listener.Address))
        {
            if (address?.SocketAddress is { Address.Length: > 0, Protocol: not SocketAddress.Types.Protocol.Udp } socket)
            {
                addresses.Add(new SocketPlace(socket.Address, socket.PortValue));
            }
        }

        if (addresses.Count == 0)
        {
            diagnostics.NotYet("address", "a listener that is not for TCP on an IP address takes no connections");
            return null;
        }

        return new ListenerModel(
            addresses,
            listener.UseOriginalDst == true ? "handoff" : Find(listener, RestoresDestination) is not null ? "restore" : null,
            listener.BindToPort ?? true,
            listener.TrafficDirection switch
            {
                TrafficDirection.Inbound => "inbound",
                TrafficDirection.Outbound => "outbound",
                _ => null,
            },
            [.. InspectorsOf(listener)],
            listener.ListenerFiltersTimeout is { } timeout ? Durations.Seconds(timeout) : DefaultTimeout,
            listener.ContinueOnListenerFiltersTimeout,
            listener.PerConnectionBufferLimitBytes);
    }

    private static ListenerFilter? Find(Listener listener, string type) =>
        listener.ListenerFilters.FirstOrDefault(filter => filter.TypedConfig is { } config && Any.GetTypeName(config.TypeUrl) == type);

    private static IEnumerable<Inspector> InspectorsOf(Listener listener)
    {
        if (Find(listener, TlsInspector.Descriptor.FullName) is { } tls)
        {
            yield return new Inspector("tls", tls.FilterDisabled);
        }

        if (Find(listener, HttpInspector.Descriptor.FullName) is { } http)
        {
            yield return new Inspector("http", http.FilterDisabled);
        }
    }
}

/// <summary>An address and port that a listener is for.</summary>
internal readonly record struct SocketPlace(string Address, uint Port);
