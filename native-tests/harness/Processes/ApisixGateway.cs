namespace Amesh.Harness.Processes;

/// <summary>A real APISIX.</summary>
internal sealed class ApisixGateway(string folder, string protocol, string recording) : IProxy
{
    public string User => "nobody";
    public int? OutboundPort => 15001;
    public Task StartAsync() => throw new HarnessException(folder + protocol + recording);
    public Task<ProxyState> StateAsync() => throw new HarnessException("");
    public void ThrowIfExited()
    {
    }
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
