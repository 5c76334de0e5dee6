namespace Amesh.Harness.Processes;

/// <summary>The proxy under test.</summary>
internal interface IProxy : IAsyncDisposable
{
    /// <summary>User of its workers, whose packets are not redirected.</summary>
    string User { get; }

    /// <summary>Where redirected connections go; null when nothing is redirected.</summary>
    int? OutboundPort { get; }

    /// <summary>Starts it; returns when it answers.</summary>
    Task StartAsync();

    /// <summary>What it knows of the mesh now.</summary>
    Task<ProxyState> StateAsync();

    /// <summary>
    /// Forgets which endpoints failed: for the verdicts each step met an Envoy that was just started, so that nothing was ejected before it.
    /// </summary>
    async Task ForgetFailuresAsync()
    {
        using var http = new HttpClient();
        using var answer = await http.PostAsync(new Uri("http://127.0.0.1:15002/forget-failures"), null);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Whether the library has taken something that it has not committed yet; null when it does not tell.</summary>
    async Task<bool?> IsReceivingAsync()
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri("http://127.0.0.1:15002/receiving"));
        return text.Length == 0 ? null : text == "1";
    }

    /// <summary>Paths of its control API that show something of the mesh, as whole addresses.</summary>
    Task<IReadOnlyList<Uri>> ControlPagesAsync();

    /// <summary>The last errors in its log; empty when there is none.</summary>
    string Complaint { get; }

    /// <summary>Throws with its last words when it is not running any more.</summary>
    void ThrowIfExited();
}

/// <summary>What a proxy knows of the mesh.</summary>
/// <param name="Version">The commit number in shared memory; 0 before the first.</param>
/// <param name="Applied">The oldest commit that any worker still routes by.</param>
internal sealed record ProxyState(long Version, long Applied)
{
    /// <summary>True when every worker routes by the last commit, of which there is one.</summary>
    public bool IsSettled => Version > 0 && Applied >= Version;
}
