namespace Amesh.Apisix;

/// <summary>Envoy's retry policy. Source: config.route.v3.RetryPolicy.</summary>
public sealed record Retry
{
    /// <summary>Envoy's conditions, for example <c>connect-failure</c>, <c>5xx</c>, <c>retriable-status-codes</c>.</summary>
    public required IReadOnlyList<string> On { get; init; }

    /// <summary>The codes that <c>retriable-status-codes</c> stands for.</summary>
    public IReadOnlyList<uint>? Statuses { get; init; }

    /// <summary>How many tries may follow the first.</summary>
    public required uint Num { get; init; }

    /// <summary>Seconds for one try.</summary>
    public double? PerTryTimeout { get; init; }

    /// <summary>Seconds one try may be idle.</summary>
    public double? PerTryIdleTimeout { get; init; }

    /// <summary>Seconds: the back-off before retry n is drawn from 0 to (2^n - 1) times this.</summary>
    public double BaseInterval { get; init; } = 0.025;

    /// <summary>Seconds: the longest back-off.</summary>
    public double MaxInterval { get; init; } = 0.25;

    /// <summary>Whether endpoints that were tried are passed over.</summary>
    public bool? PreviousHosts { get; init; }

    /// <summary>How often another endpoint is drawn before one that was tried is taken.</summary>
    public long? HostAttempts { get; init; }

    /// <summary>The answers that <c>retriable-headers</c> stands for: a condition on <c>amesh_header_NAME</c> of the answer.</summary>
    public IReadOnlyList<Predicate>? Headers { get; init; }

    /// <summary>Which requests may be tried again; none for all.</summary>
    public IReadOnlyList<Predicate>? RequestHeaders { get; init; }

    /// <summary>Waits that answers ask for.</summary>
    public RateLimitedRetry? RateLimited { get; init; }
}

/// <summary>Waits before a retry that answers ask for.</summary>
/// <param name="Headers">The headers that ask; the first with a usable value counts.</param>
/// <param name="MaxInterval">Seconds: what asks for more is not heeded.</param>
public sealed record RateLimitedRetry(IReadOnlyList<ResetHeader> Headers, double MaxInterval);

/// <summary>A header that asks for a wait.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Format"><c>seconds</c>, or <c>unix_timestamp</c>.</param>
public sealed record ResetHeader(string Name, string Format);
