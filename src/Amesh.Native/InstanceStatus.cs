using Amesh.Xds.Store;

namespace Amesh.Native;

/// <summary>What is known of the running library, for <c>amesh_status</c> and the key <c>amesh/status</c>.</summary>
internal sealed record InstanceStatus
{
    /// <summary>The library's version.</summary>
    public required string LibraryVersion { get; init; }

    /// <summary><c>stopped</c>, <c>connecting</c>, <c>connected</c>, <c>disconnected</c> or <c>superseded</c> (a newer process writes).</summary>
    public required string State { get; init; }

    /// <summary>The source as it was given.</summary>
    public string? Source { get; init; }

    /// <summary><c>delta</c> or <c>sotw</c>, as it is spoken.</summary>
    public string? Protocol { get; init; }

    /// <summary>The process that holds the library.</summary>
    public int Pid { get; init; }

    /// <summary>This writer's epoch.</summary>
    public long Epoch { get; init; }

    /// <summary>The number of the last commit.</summary>
    public long Commit { get; init; }

    /// <summary>Whether something has come that is not committed yet.</summary>
    public bool Receiving { get; init; }

    /// <summary>When the state was saved that is served because no control plane has answered yet; null once one has.</summary>
    public DateTimeOffset? ServingStateOf { get; init; }

    /// <summary>Why the last commit was refused.</summary>
    public string? CommitError { get; init; }

    /// <summary>
    /// Clusters and listeners whose newest version is not in service, since what it names has not come; the first of them, where there are many.
    /// </summary>
    public IReadOnlyList<WaitingResource> Warming { get; init; } = [];

    /// <summary>Those that went into service without something that they name, since its time was over or it was refused.</summary>
    public IReadOnlyList<WaitingResource> Incomplete { get; init; } = [];

    /// <summary>Names of secrets that the mesh wants and that have not come; the first of them, where there are many.</summary>
    public IReadOnlyList<string> MissingSecrets { get; init; } = [];

    /// <summary>The last error of the connection.</summary>
    public string? LastError { get; init; }

    /// <summary>Streams that were opened after the first.</summary>
    public int Reconnects { get; init; }

    /// <summary>Responses that were taken.</summary>
    public long Updates { get; init; }

    /// <summary>Responses that were refused, at least in part.</summary>
    public long Nacks { get; init; }

    /// <summary>Endpoints whose health is checked.</summary>
    public int CheckedEndpoints { get; init; }

    /// <summary>Those of them that are unhealthy; the error log has their names.</summary>
    public int UnhealthyEndpoints { get; init; }

    /// <summary>Objects by kind.</summary>
    public Dictionary<string, int> Objects { get; init; } = [];

    /// <summary>What is done otherwise than Envoy does it: how many, by severity.</summary>
    public Dictionary<string, int> Diagnostics { get; init; } = [];
}
