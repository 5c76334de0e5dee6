namespace Amesh.Apisix;

/// <summary>Faults, in the order in which they happen. Shares are parts per million.</summary>
public sealed record Fault
{
    /// <summary>Conditions that a request must meet, all of them, for any fault to happen to it; null: none.</summary>
    public IReadOnlyList<Predicate>? When { get; init; }

    /// <summary>How many requests may suffer a fault at a time; null: any number.</summary>
    public uint? MaxActive { get; init; }

    /// <summary>A wait before the request goes on.</summary>
    public FaultDelay? Delay { get; init; }

    /// <summary>An answer instead of the request going on.</summary>
    public FaultAbort? Abort { get; init; }

    /// <summary>A limit to how fast the answer goes out.</summary>
    public FaultRate? Rate { get; init; }
}

/// <summary>A wait.</summary>
/// <param name="Ppm">For how many of a million requests; the most where the request asks for a share itself.</param>
public sealed record FaultDelay(long Ppm)
{
    /// <summary>How long; null where the request's headers say it.</summary>
    public double? Seconds { get; init; }

    /// <summary>Where the request's headers say it: how many parts per million one of the share they ask for is.</summary>
    public long? HeaderUnit { get; init; }
}

/// <summary>An error.</summary>
/// <param name="Ppm">For how many of a million requests; the most where the request asks for a share itself.</param>
public sealed record FaultAbort(long Ppm)
{
    /// <summary>The HTTP status; null where the request's headers say it.</summary>
    public uint? Status { get; init; }

    /// <summary>A gRPC status instead of an HTTP one.</summary>
    public uint? GrpcStatus { get; init; }

    /// <summary>Where the request's headers say it: how many parts per million one of the share they ask for is.</summary>
    public long? HeaderUnit { get; init; }
}

/// <summary>A limit to how fast an answer goes out.</summary>
/// <param name="Ppm">For how many of a million requests; the most where the request asks for a share itself.</param>
public sealed record FaultRate(long Ppm)
{
    /// <summary>In KiB/s; null where the request's headers say it.</summary>
    public ulong? Kbps { get; init; }

    /// <summary>Where the request's headers say it: how many parts per million one of the share they ask for is.</summary>
    public long? HeaderUnit { get; init; }
}
