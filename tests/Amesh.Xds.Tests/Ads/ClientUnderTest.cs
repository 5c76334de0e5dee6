using Amesh.Xds.Ads;
using Envoy.Config.Core.V3;

namespace Amesh.Xds.Tests.Ads;

/// <summary>A client with a scripted control plane, running until it is disposed of.</summary>
internal sealed class ClientUnderTest : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;

    public ClientUnderTest(AdsProtocol protocol = AdsProtocol.Delta, Func<AdsClientOptions, AdsClientOptions>? change = null)
    {
        var options = new AdsClientOptions
        {
            Address = new Uri("http://127.0.0.1:1"),
            Node = new Node { Id = "test" },
            Protocol = protocol,
            FirstBackoff = TimeSpan.FromMilliseconds(1),
            MaxBackoff = TimeSpan.FromMilliseconds(2),
        };
        Client = new AdsClient(change?.Invoke(options) ?? options, () => Plane, TimeProvider.System, new Random(1));
        _run = Client.RunAsync(Held, _stop.Token);
    }

    public ScriptedControlPlane Plane { get; } = new();

    public HeldResources Held { get; } = new();

    public AdsClient Client { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _run);
        _stop.Dispose();
    }
}
