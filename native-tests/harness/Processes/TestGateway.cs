namespace Amesh.Harness.Processes;

/// <summary>The test gateway of <c>native-tests/gateway</c>: nginx with the library, the provider, the router and the plugin.</summary>
internal sealed class TestGateway(string folder, string protocol, string recording) : IProxy
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
