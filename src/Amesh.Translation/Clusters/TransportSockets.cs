using Amesh.Translation.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Translation.Clusters;

/// <summary>One way to connect to endpoints.</summary>
/// <param name="Name">What tells it from the cluster's other ways; empty for the cluster's own.</param>
/// <param name="Criterion">The <see cref="SocketMarks"/> that an endpoint must have.</param>
/// <param name="Tls">TLS; null for plain text.</param>
internal sealed record UpstreamSocket(string Name, string Criterion, UpstreamTls? Tls)
{
    /// <summary>Whether it is one that is not known. What wants it gets nothing, rather than plain text.</summary>
    public bool IsRefused { get; init; }

    /// <summary>Whether endpoints are spoken to in plain text.</summary>
    public bool IsPlain => Tls is null && !IsRefused;
}

/// <summary>How a cluster's endpoints are connected to: by the first that an endpoint's marks ask for, else by the cluster's own.</summary>
/// <param name="All">In Envoy's order; the last is the cluster's own.</param>
internal sealed record TransportSockets(IReadOnlyList<UpstreamSocket> All)
{
    /// <summary>Plain text for every endpoint.</summary>
    public static TransportSockets Plain { get; } = new([new UpstreamSocket("", "", null)]);

    /// <summary>Whether every endpoint is spoken to in plain text.</summary>
    public bool IsPlain => All.All(socket => socket.IsPlain);

    /// <summary>The place of an endpoint's way in <see cref="All"/>.</summary>
    /// <remarks>A match of the endpoint's own metadata comes before one of its locality's. Source: Envoy's TransportSocketMatcherImpl.</remarks>
    public int IndexFor(Endpoint endpoint)
    {
        int own = IndexOf(endpoint.Marks);
        return own >= 0 ? own : endpoint.LocalityMarks.Length > 0 && IndexOf(endpoint.LocalityMarks) is >= 0 and var locality ? locality : All.Count - 1;
    }

    public static TransportSockets From(Cluster cluster, IDataReader data, DiagnosticScope diagnostics)
    {
        if (cluster.TransportSocket is null && cluster.TransportSocketMatches.Count == 0)
        {
            return Plain;
        }

        var sockets = new List<UpstreamSocket>();
        for (int i = 0; i < cluster.TransportSocketMatches.Count; i++)
        {
            Cluster.Types.TransportSocketMatch match = cluster.TransportSocketMatches[i];
            string name = match.Name.Length > 0 ? match.Name : $"match {i}";
            sockets.Add(SocketOf(cluster, match.TransportSocket, name, SocketMarks.Of(match.Match), data, diagnostics.At($"transport_socket_matches[{i}].transport_socket")));
        }

        sockets.Add(SocketOf(cluster, cluster.TransportSocket, "", "", data, diagnostics.At("transport_socket")));
        return new TransportSockets(sockets) is var all && all.IsPlain ? Plain : all;
    }

    // The last is not among them: it is for what none of them is for.
    private int IndexOf(string marks)
    {
        for (int i = 0; i < All.Count - 1; i++)
        {
            if (SocketMarks.Hold(All[i].Criterion, marks))
            {
                return i;
            }
        }

        return -1;
    }

    private static UpstreamSocket SocketOf(
        Cluster cluster, TransportSocket? socket, string name, string criterion, IDataReader data, DiagnosticScope diagnostics)
    {
        if (socket?.TypedConfig is null || socket.TypedConfig.Is(RawBuffer.Descriptor))
        {
            return new UpstreamSocket(name, criterion, null);
        }

        if (socket.TypedConfig.TryUnpack(out UpstreamTlsContext context))
        {
            return new UpstreamSocket(name, criterion, UpstreamTls.From(cluster, name, context, data, diagnostics));
        }

        diagnostics.Refused("typed_config", "this transport socket is not known; requests to endpoints that want it are answered with 503");
        return new UpstreamSocket(name, criterion, null) { IsRefused = true };
    }
}
