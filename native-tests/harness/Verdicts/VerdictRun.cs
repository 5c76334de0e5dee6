using System.Diagnostics;
using Amesh.Harness.Certificates;
using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;

namespace Amesh.Harness.Verdicts;

/// <summary>Walks a recording's steps, sends every case of each through the proxy and compares with what Envoy did.</summary>
internal sealed class VerdictRun(
    VerdictFile verdicts, RecordedMesh mesh, RunAuthority authority, IProxy proxy, ControlPlane? controlPlane, VerdictOptions options, TextWriter output)
{
    private const string GatewayCertificate = "kubernetes://shop-cert";

    /// <summary>How often a case that differs in time alone is sent once more.</summary>
    private const int MoreTimes = 2;

    private readonly KnownDifferences _known = KnownDifferences.Read();
    private readonly HashSet<KnownDifference> _seen = [];

    /// <summary>Runs to the end; the score.</summary>
    public async Task<Score> RunAsync()
    {
        await using var endpoints = new EndpointServer(new EndpointCertificates(authority, mesh.Identities));
        await using var names = new NameServer(verdicts.Dns);
        Stage.Prepare(verdicts, mesh, endpoints, proxy);
        if (controlPlane is not null)
        {
            await controlPlane.StartAsync();
        }
        await proxy.StartAsync();
        var sender = new CaseSender(new VerdictClient(new ClientCertificates(authority, mesh.Steps[^1].State.CertificateOf(GatewayCertificate))), endpoints.Log);
        var score = new Score { Scenario = options.Scenario, Target = options.Target, Protocol = options.Protocol };
        foreach (var step in mesh.Steps)
        {
            await Stage.GoToAsync(step, controlPlane, proxy);
            await proxy.ForgetFailuresAsync();
            if (verdicts.Steps.TryGetValue(step.Name, out var cases) && (options.Step is null || options.Step == step.Name))
            {
                await RunStepAsync(step, [.. cases.Where(verdict => options.Case is null || options.Case == verdict.Id)], sender, score);
                proxy.ThrowIfExited();
            }
        }
        if (options.Step is null)
        {
            ReportUnseen(score);
        }
        return score;
    }

    /// <summary>A pattern of known differences that no case shows any more is to be taken out.</summary>
    private void ReportUnseen(Score score)
    {
        var step = new StepScore("known differences");
        foreach (var known in _known.Entries.Where(known => known.IsPattern && known.IsFor(options.Scenario, options.Target) && !_seen.Contains(known)))
        {
            step.Count(known.Case, [$"listed, but no case shows it: {known.Reason}"], known: null).ToList().ForEach(output.WriteLine);
        }
        if (step.Failed > 0)
        {
            score.Steps.Add(step);
        }
    }

    private async Task RunStepAsync(RecordedStep step, List<VerdictCase> cases, CaseSender sender, Score score)
    {
        if (cases.Count == 0)
        {
            return;
        }
        var clock = Stopwatch.StartNew();
        var results = await sender.SendAsync(cases, oneByOne: step.State.EjectsEndpoints);
        var stepScore = new StepScore(step.Name);
        var lines = new List<string>();
        var spread = Spread.Differences(results, step.State.Targets);
        foreach (var (verdict, first) in results)
        {
            var measured = first;
            var differences = Comparison.Differences(verdict, measured, step.State.Targets, step.State.PartialMirrors);
            for (var again = 0; again < MoreTimes && differences.Count > 0 && differences.All(Comparison.IsAboutTime); again++)
            {
                // A machine that has much to do is slow once or twice, a proxy that is wrong about time is so each time.
                if (step.State.EjectsEndpoints)
                {
                    await proxy.ForgetFailuresAsync();
                }
                measured = (await sender.SendAsync([verdict]))[0].Measured;
                differences = Comparison.Differences(verdict, measured, step.State.Targets, step.State.PartialMirrors);
            }
            differences.AddRange(spread.GetValueOrDefault(verdict.Id, []));
            var known = _known.Of(options.Scenario, options.Target, verdict.Id);
            if (known is not null && differences.Count > 0)
            {
                _seen.Add(known);
            }
            lines.AddRange(stepScore.Count(verdict.Id, differences, known));
            if (options.Verbose)
            {
                lines.Add($"     {verdict.Id}: {string.Join(' ', measured.Outcome.Status)} {string.Join(' ', measured.Outcome.ServedBy)}");
            }
        }
        score.Steps.Add(stepScore);
        output.WriteLine($"{step.Name,-28} {stepScore.Passed,4} passed, {stepScore.Failed} failed{(stepScore.Known > 0 ? $", {stepScore.Known} known" : "")}  ({clock.Elapsed.TotalSeconds:0.0} s)");
        lines.ForEach(output.WriteLine);
    }
}

/// <summary>What to run.</summary>
internal sealed record VerdictOptions
{
    /// <summary>As <c>istio-bookinfo</c>.</summary>
    public required string Scenario { get; init; }

    /// <summary><c>gateway</c>, <c>apisix</c> or <c>none</c>.</summary>
    public string Target { get; init; } = "gateway";

    /// <summary><c>delta</c> or <c>sotw</c>.</summary>
    public string Protocol { get; init; } = "delta";

    /// <summary><c>amesh</c> or <c>node</c>.</summary>
    public string ControlPlane { get; init; } = "amesh";

    /// <summary>Only this step's cases; the steps before are walked all the same.</summary>
    public string? Step { get; init; }

    /// <summary>Only this case.</summary>
    public string? Case { get; init; }

    /// <summary>A line for every case.</summary>
    public bool Verbose { get; init; }

    /// <summary>Level of the proxy's log.</summary>
    public string LogLevel { get; init; } = "info";
}
