using Amesh.Apisix;

namespace Amesh.Health;

/// <summary>How endpoints of a cluster are checked: when, and what makes them healthy or not. Envoy's words and defaults.</summary>
/// <param name="Identity">Two checks of the same identity are the same: all that they are made from, as a text.</param>
public sealed record HealthCheck(string Identity)
{
    /// <summary>How long an answer may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>From the end of one check to the start of the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The same for an endpoint that is unhealthy.</summary>
    public TimeSpan? UnhealthyInterval { get; init; }

    /// <summary>The same after a failure of an endpoint that is healthy still.</summary>
    public TimeSpan? UnhealthyEdgeInterval { get; init; }

    /// <summary>The same after a success of an endpoint that is unhealthy still.</summary>
    public TimeSpan? HealthyEdgeInterval { get; init; }

    /// <summary>The same as long as nothing was sent to the cluster.</summary>
    public TimeSpan NoTrafficInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same as long as nothing was sent to the cluster, for an endpoint that is healthy.</summary>
    public TimeSpan? NoTrafficHealthyInterval { get; init; }

    /// <summary>At most so much, by chance, before the first check.</summary>
    public TimeSpan InitialJitter { get; init; }

    /// <summary>At most so much more, by chance, before every other.</summary>
    public TimeSpan IntervalJitter { get; init; }

    /// <summary>At most so many percent more, by chance.</summary>
    public double IntervalJitterPercent { get; init; }

    /// <summary>So many checks without an answer make a healthy endpoint unhealthy; a bad answer does so at once.</summary>
    public uint UnhealthyThreshold { get; init; } = 1;

    /// <summary>So many good answers make an unhealthy endpoint healthy; the first check of all decides alone.</summary>
    public uint HealthyThreshold { get; init; } = 1;

    /// <summary>Whether a connection is used for more than one check.</summary>
    public bool ReuseConnection { get; init; } = true;

    /// <summary>The protocols that TLS offers, where they are others than those of the cluster.</summary>
    public IReadOnlyList<string>? Alpn { get; init; }

    /// <summary>What is asked: one of <see cref="HttpQuestion"/>, <see cref="TcpQuestion"/> and <see cref="GrpcQuestion"/>.</summary>
    public HealthQuestion Question { get; init; } = new TcpQuestion();

    /// <inheritdoc/>
    public bool Equals(HealthCheck? other) => other is not null && Identity == other.Identity;

    /// <inheritdoc/>
    public override int GetHashCode() => Identity.GetHashCode(StringComparison.Ordinal);
}

/// <summary>What an endpoint is asked.</summary>
public abstract record HealthQuestion;

/// <summary>A request, and which answers are good.</summary>
public sealed record HttpQuestion : HealthQuestion
{
    /// <summary>The method.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>The path with its query.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Whether HTTP/2 is spoken.</summary>
    public bool Http2 { get; init; }

    /// <summary>Headers beside Host and User-Agent; a second of one name takes the place of the first where it says so.</summary>
    public IReadOnlyList<HealthHeader> Headers { get; init; } = [];

    /// <summary>Headers that are not sent.</summary>
    public IReadOnlyList<string> RemovedHeaders { get; init; } = [];

    /// <summary>What is sent with it; empty for nothing.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Statuses that are good: from the first number, below the second.</summary>
    public IReadOnlyList<(long Start, long End)> Expected { get; init; } = [(200, 201)];

    /// <summary>Statuses that are bad but not at once.</summary>
    public IReadOnlyList<(long Start, long End)> Retriable { get; init; } = [];

    /// <summary>What the body must have, in this order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Receive { get; init; } = [];

    /// <summary>How much of the body is looked at.</summary>
    public int MostReceived { get; init; } = 1024;

    /// <summary>What the service must call itself in <c>x-envoy-upstream-healthchecked-cluster</c>.</summary>
    public StringMatch? Service { get; init; }
}

/// <summary>A header of a check.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value.</param>
/// <param name="Replaces">Whether it takes the place of one of its name.</param>
public readonly record struct HealthHeader(string Name, string Value, bool Replaces);

/// <summary>A connection, and what comes over it.</summary>
public sealed record TcpQuestion : HealthQuestion
{
    /// <summary>What is sent.</summary>
    public ReadOnlyMemory<byte> Send { get; init; }

    /// <summary>What must come, in this order; nothing: a connection is enough.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Receive { get; init; } = [];

    /// <summary>The version of the PROXY protocol that is sent before; 0 for none.</summary>
    public int ProxyProtocol { get; init; }
}

/// <summary>gRPC's own health service.</summary>
public sealed record GrpcQuestion : HealthQuestion
{
    /// <summary>The service that is asked about; empty for the server as a whole.</summary>
    public string Service { get; init; } = "";

    /// <summary>Metadata of the call.</summary>
    public IReadOnlyList<HealthHeader> Metadata { get; init; } = [];
}
