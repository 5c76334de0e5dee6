namespace Amesh.Apisix;

/// <summary>How long a stream may last, from the request's first byte.</summary>
public sealed record StreamLimit
{
    /// <summary>Seconds; none for any time.</summary>
    public double? Seconds { get; init; }

    /// <summary>Seconds that a gRPC client's own limit is capped to; 0 for no cap; none where that limit does not count.</summary>
    public double? GrpcMax { get; init; }

    /// <summary>Seconds that a gRPC client's own limit is shortened by.</summary>
    public double? GrpcOffset { get; init; }
}
