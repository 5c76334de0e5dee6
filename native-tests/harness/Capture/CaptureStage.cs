using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Native;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Capture;

/// <summary>The mesh of <c>Capture/mesh</c> on a real APISIX, with its endpoints and its application's client.</summary>
internal sealed class CaptureStage : IAsyncDisposable
{
    /// <summary>The workload's own addresses.</summary>
    public static readonly string[] Own = ["10.98.0.1", "fd00:98::1"];

    private static readonly string[] Services = ["10.97.0.1", "10.97.0.2", "10.97.0.3", "10.97.0.4", "10.97.0.9", "fd00:97::1"];
    private static readonly string[] Served = ["127.7.0.1:8080", "127.7.0.3:9000", "127.7.0.4:9000", "10.97.0.9:5555", "[fd00:97::1]:5555"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly EndpointServer _endpoints = new();
    private readonly TalkingServer _database;
    private readonly VerdictClient _client = new() { Patience = Patience };
    private int _sent;

    private CaptureStage(string folder)
    {
        TrafficRedirection.UseLoopback();
        TrafficRedirection.AddAddresses(Services.Concat(Own));
        foreach (var address in Served)
        {
            _endpoints.Listen(address);
        }
        _database = new TalkingServer("127.7.0.2:3306");
        Gateway = new ApisixGateway(folder, new GatewayOptions
        {
            Recording = Repository.At("samples", "istio", "bookinfo"),
            Source = "file:" + Repository.At("native-tests", "harness", "Capture", "mesh"),
            TransparentPorts = [15006],
        });
    }

    public ApisixGateway Gateway { get; }

    public static async Task<CaptureStage> StartAsync(RunFolder folder)
    {
        var stage = new CaptureStage(folder.Next("capture"));
        try
        {
            stage.Redirect();
            await stage.Gateway.StartAsync();
            await stage.SettleAsync();
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Captures by REDIRECT, in both directions.</summary>
    public void Redirect() => TrafficRedirection.Redirect(Gateway.User, 15001, Own[0]);

    /// <summary>Captures inbound connections by TPROXY, outbound ones by REDIRECT.</summary>
    public void RedirectInboundTransparently()
    {
        TrafficRedirection.Redirect(Gateway.User, 15001);
        TrafficRedirection.Transparent(Gateway.User, Own, 15006);
    }

    /// <summary>Waits until every worker has the mesh, for HTTP and for TCP.</summary>
    public Task SettleAsync() => Waiting.UntilAsync(
        async () =>
        {
            Gateway.ThrowIfExited();
            return (await Gateway.StateAsync()).IsSettled;
        },
        Patience,
        () => "the mesh in every worker\n" + Gateway.Complaint);

    /// <summary>Which endpoint answers; or in words what happened instead.</summary>
    public async Task<string> AskAsync(string proto, string to, string? sni = null, string? from = null)
    {
        var reply = await _client.SendAsync($"capture-{Interlocked.Increment(ref _sent)}", new SentRequest { To = to, From = from, Proto = proto, Sni = sni, Host = "web" });
        if (reply.ServedBy is not { } endpoint)
        {
            return $"{reply.Status} {reply.Error}".TrimEnd();
        }
        // inside TLS the endpoint tells which name it was asked for: the one that the client meant
        return sni is null || reply.Body.Contains($"sni={sni}", StringComparison.Ordinal) ? endpoint : $"{endpoint} with another name: {reply.Body}";
    }

    /// <summary>Throws unless the endpoint answers.</summary>
    public async Task MustReachAsync(string endpoint, string proto, string to, string? sni = null, string? from = null)
    {
        var answer = await AskAsync(proto, to, sni, from);
        Check.That(answer == endpoint, () => $"{proto} to {to} {sni}: expected {endpoint}, got {answer}\n{Gateway.Complaint}");
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        _database.Dispose();
        await _endpoints.DisposeAsync();
    }
}
