using Amesh.Apisix;

namespace Amesh.Health;

/// <summary>What is known of an endpoint's health.</summary>
public enum HealthStatus
{
    /// <summary>It answers well.</summary>
    Healthy,

    /// <summary>It answers well, and says that others should be asked first.</summary>
    Degraded,

    /// <summary>It answers badly or not at all, or has not been healthy for long enough.</summary>
    Unhealthy,
}

/// <summary>One endpoint that is checked, and how.</summary>
/// <param name="Cluster">Whose it is.</param>
/// <param name="Host">The endpoint's address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Check">How it is checked.</param>
public sealed record HealthTarget(string Cluster, string Host, uint Port, HealthCheck Check)
{
    /// <summary>The address that is asked.</summary>
    public string CheckHost { get; init; } = Host;

    /// <summary>The port that is asked.</summary>
    public uint CheckPort { get; init; } = Port;

    /// <summary>The Host, or the authority, that is sent.</summary>
    public string Authority { get; init; } = Cluster;

    /// <summary>The own address that connections come from; null: what the system chooses.</summary>
    public string? BindSource { get; init; }

    /// <summary>The id of the TLS context; null for plain text.</summary>
    public string? Context { get; init; }

    /// <summary>For people.</summary>
    public string Address => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>How TLS is spoken with an endpoint.</summary>
/// <param name="Context">As for requests.</param>
/// <param name="Certificate">The client's certificate, where the context names one that has come.</param>
/// <param name="Validation">The authorities, where the context names some that have come.</param>
public sealed record HealthTls(TlsContext Context, Secret? Certificate, Secret? Validation);

/// <summary>Keeps endpoints checked.</summary>
public interface IHealthChecker
{
    /// <summary>Replaces what is checked. A check that goes on keeps what it knows, and takes new secrets with its next connection.</summary>
    /// <param name="targets">All endpoints, with how TLS is spoken; null for plain text.</param>
    /// <param name="changed">
    /// Told of the first result, and when the status changes. From any thread; for a target that was just given up a result
    /// may still be on its way.
    /// </param>
    void Watch(IReadOnlyDictionary<HealthTarget, HealthTls?> targets, Action<HealthTarget, HealthStatus> changed);

    /// <summary>Told of every good answer of an endpoint that is healthy. From any thread.</summary>
    Action<HealthTarget>? Succeeded { get; set; }

    /// <summary>Whether anything has been sent to a cluster yet; until then it is checked less often.</summary>
    Func<string, bool>? HasTraffic { get; set; }
}
