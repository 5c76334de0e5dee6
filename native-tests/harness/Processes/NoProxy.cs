namespace Amesh.Harness.Processes;

/// <summary>No proxy at all: connections go where they are made to. Shows what of a result is the harness's own.</summary>
internal sealed class NoProxy : IProxy
{
    public string User => "nobody";
    public int? OutboundPort => null;
    public string Complaint => "";
    public Task StartAsync() => Task.CompletedTask;
    public Task<ProxyState> StateAsync() => Task.FromResult(new ProxyState(1, 1));
    public Task ForgetFailuresAsync() => Task.CompletedTask;
    public Task<bool?> IsReceivingAsync() => Task.FromResult<bool?>(false);
    public Task<IReadOnlyList<Uri>> ControlPagesAsync() => Task.FromResult<IReadOnlyList<Uri>>([]);
    public void ThrowIfExited()
    {
    }
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
