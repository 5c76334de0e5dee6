using System.Net;
using System.Text.Json;
using Amesh.Harness.Certificates;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Commands;

/// <summary><c>harness verdicts</c>: every case of a scenario through the proxy, compared with what a real Envoy did.</summary>
internal static class VerdictsCommand
{
    public const string Usage = "verdicts --scenario istio-bookinfo [--protocol delta|sotw] [--target gateway|apisix|apisix-stock|none] [--control-plane amesh|node]"
        + " [--step STEP] [--case STEP/NAME] [--log-level info|debug] [--json FILE] [--record] [--verbose]";

    /// <summary>The same APISIX with APISIX's own router on the same objects.</summary>
    private const string StockRouter = "apisix-stock";

    public static async Task<int> RunAsync(string[] arguments)
    {
        var given = new Arguments(arguments, ["--scenario", "--protocol", "--target", "--control-plane", "--step", "--case", "--log-level", "--json"], ["--record", "--verbose"]);
        if (NetworkNamespace.Inside is null)
        {
            return NetworkNamespace.RunInside(["verdicts", .. arguments]);
        }
        var options = new VerdictOptions
        {
            Scenario = given.Value("--scenario") ?? "istio-bookinfo",
            Protocol = given.OneOf("--protocol", "delta", "sotw"),
            Target = given.OneOf("--target", "gateway", "apisix", StockRouter, "none"),
            ControlPlane = given.OneOf("--control-plane", "amesh", "node"),
            Step = given.Value("--step") ?? given.Value("--case")?.Split('/')[0],
            Case = given.Value("--case"),
            LogLevel = given.OneOf("--log-level", "info", "debug"),
            Verbose = given.Has("--verbose"),
        };
        var score = await RunAsync(options, Console.Out);
        if (given.Value("--json") is { } path)
        {
            await File.WriteAllTextAsync(path, JsonSerializer.Serialize(score, Answer.IndentedJson) + "\n");
        }
        if (given.Has("--record"))
        {
            Scoreboard.Record(score);
        }
        if (score.Known > 0)
        {
            Console.WriteLine($"{score.Known} known not to hold (native-tests/verdicts/known-differences.json)");
        }
        Console.WriteLine($"{score.Passed} passed, {score.Failed} failed");
        return score.Failed == 0 ? 0 : 1;
    }

    private static async Task<Score> RunAsync(VerdictOptions options, TextWriter output)
    {
        var path = Repository.At("native-tests", "verdicts", options.Scenario + ".json");
        if (!File.Exists(path))
        {
            throw new HarnessException($"--scenario {options.Scenario}: there is no {path}");
        }
        var verdicts = VerdictFile.Read(path);
        var recording = Repository.At("samples", verdicts.Scenario);
        var mesh = RecordedMesh.Read(recording, options.Protocol);
        var gateway = new GatewayOptions { Recording = recording, Protocol = options.Protocol, OwnPorts = [.. verdicts.ProxyAddresses(mesh.Addresses).Select(static address => IPEndPoint.Parse(address).Port).Distinct().Order()] };
        using var folder = new RunFolder();
        gateway = gateway with { StateFile = Path.Combine(folder.Path, "state"), AgentSocket = options.ControlPlane == "amesh" ? Path.Combine(folder.Path, "agent.sock") : null, LogLevel = options.LogLevel };
        var authority = new RunAuthority();
        PrivateFiles.Put(PrivateFiles.Resolver, NameServer.ResolverConfiguration, folder.Path);
        PrivateFiles.Put(PrivateFiles.RootStore, authority.Pem, folder.Path);
        var replayed = Path.Combine(folder.Path, KeySearch.RecordingFolder);
        RewrittenRecording.Write(recording, replayed, authority, verdicts.Proxy == "router");
        await using var controlPlane = options.Target == "none" ? null : ControlPlane.Of(options.ControlPlane, replayed, folder.Path, gateway.AgentSocket);
        await using IProxy proxy = options.Target switch
        {
            "none" => new NoProxy(),
            "apisix" => new ApisixGateway(folder.Path, gateway),
            StockRouter => new ApisixGateway(folder.Path, gateway with { Router = "radixtree_host_uri" }),
            _ => new TestGateway(folder.Path, gateway),
        };
        var score = await new VerdictRun(verdicts, mesh, authority, proxy, controlPlane, options, output).RunAsync();
        var (leaks, summary) = await KeySearch.RunAsync(replayed, folder.Path, proxy);
        if (summary.Length > 0)
        {
            output.WriteLine(summary);
        }
        if (leaks.Count > 0)
        {
            var step = new StepScore("secrets");
            leaks.SelectMany(leak => step.Count("secrets/" + leak, ["a private key shows"], known: null)).ToList().ForEach(output.WriteLine);
            score.Steps.Add(step);
        }
        return score;
    }
}
