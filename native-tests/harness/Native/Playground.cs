using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Native;

/// <summary>A whole small mesh for one test: endpoints, control plane, gateway, client. Everything ends with it.</summary>
internal sealed class Playground : IAsyncDisposable
{
    private const string Scenario = "istio/bookinfo";
    private readonly VerdictFile _verdicts = VerdictFile.Read(Repository.At("native-tests", "verdicts", "istio-bookinfo.json"));
    private readonly EndpointServer _endpoints = new();
    private readonly CaseSender _sender;

    private Playground(RunFolder folder, GatewayOptions options, bool node)
    {
        var path = folder.Next("run");
        Mesh = RecordedMesh.Read(options.Recording, options.Protocol);
        ControlPlane = ControlPlane.Of(node ? "node" : "amesh", options.Recording, path);
        Gateway = new TestGateway(path, options);
        _sender = new CaseSender(Client, _endpoints.Log);
        Stage.Prepare(_verdicts, Mesh, _endpoints, Gateway);
    }

    public RecordedMesh Mesh { get; }
    public ControlPlane ControlPlane { get; }
    public TestGateway Gateway { get; }
    public VerdictClient Client { get; } = new();

    /// <summary>The Bookinfo recording with a gateway's other options as they are.</summary>
    public static GatewayOptions Bookinfo { get; } = new() { Recording = Repository.At("samples", Scenario) };

    /// <summary>Lays everything out and starts nothing.</summary>
    public static Playground LayOut(RunFolder folder, GatewayOptions? options = null, bool node = false) => new(folder, options ?? Bookinfo, node);

    /// <summary>Lays everything out, starts it, and waits for a step to be in every worker.</summary>
    public static async Task<Playground> StartAsync(RunFolder folder, GatewayOptions? options = null, bool node = false, string step = "base")
    {
        var playground = LayOut(folder, options, node);
        try
        {
            await playground.ControlPlane.StartAsync();
            await playground.Gateway.StartAsync();
            await playground.GoToAsync(step);
            return playground;
        }
        catch
        {
            await playground.DisposeAsync();
            throw;
        }
    }

    /// <summary>Moves to a step and waits until every worker routes by it.</summary>
    public Task GoToAsync(string step) => Stage.GoToAsync(Mesh.Steps.Single(recorded => recorded.Name == step), ControlPlane, Gateway);

    /// <summary>What differs when cases of the recorded verdicts are sent now; empty when all hold.</summary>
    public async Task<string> DifferencesAsync(params string[] caseIds)
    {
        var all = new List<string>();
        foreach (var id in caseIds)
        {
            var step = id.Split('/')[0];
            var verdict = _verdicts.Steps[step].Single(verdict => verdict.Id == id);
            var targets = Mesh.Steps.Single(recorded => recorded.Name == step).State.Targets;
            var measured = (await _sender.SendAsync([verdict]))[0].Measured;
            all.AddRange(Comparison.Differences(verdict, measured, targets).Select(difference => $"{id}: {difference}"));
        }
        return string.Join("; ", all);
    }

    /// <summary>Throws unless the cases hold now.</summary>
    public async Task MustHoldAsync(string when, params string[] caseIds)
    {
        var differences = await DifferencesAsync(caseIds);
        Check.That(differences.Length == 0, () => $"{when}: {differences}");
    }

    /// <summary>Sends one request over and over until stopped; every answer that is not 200 is noted.</summary>
    public Load PutUnderLoad(int clients) => new(Client, new SentRequest { To = "10.96.1.2:9080", Path = "/details/0", Host = "details:9080" }, clients);

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await ControlPlane.DisposeAsync();
        await _endpoints.DisposeAsync();
    }
}
