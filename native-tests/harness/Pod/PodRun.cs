using System.Collections.Concurrent;
using System.Diagnostics;
using Amesh.Harness.Certificates;
using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Network;
using Amesh.Harness.Processes;
using Amesh.Harness.Recordings;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Pod;

/// <summary>
/// A pod as Istio makes them: a network namespace with eth0, Istio's own iptables rules, the application and the proxy in it; clients and the
/// mesh's other workloads are in another namespace. Connections of many kinds go in and out at once, each of which must end where it should.
/// </summary>
internal sealed class PodRun(RecordedMesh mesh, RunAuthority authority, IProxy proxy, ControlPlane controlPlane, TextWriter output)
{
    /// <summary>The application's own address, by the recording of reviews-v1's sidecar.</summary>
    public const string Application = "10.77.3.1:9080";

    private const string UnlistedPort = "10.77.3.1:7777";
    private const string NoService = "10.96.1.9:";
    private const string ServerName = "outbound_.9080_._.reviews.default.svc.cluster.local";
    private const string Own = "spiffe://cluster.local/ns/default/sa/bookinfo-reviews";
    private const string Caller = "spiffe://cluster.local/ns/default/sa/client";
    private const int AtOnce = 40;
    private const int ShownFaults = 20;
    private static readonly (string Name, bool Strict)[] Steps = [("permissive", false), ("strict", true)];
    private static readonly int[] NoServicePorts = [80, 9000, 8443];
    private static readonly string[] Alpn = ["istio-http/1.1", "istio", "http/1.1"];
    private static readonly string[] Alpn2 = ["istio-h2", "istio", "h2"];

    /// <summary>Runs as many connections in each of two steps; how many were as they must be, and how many not.</summary>
    public async Task<(int Passed, int Failed)> RunAsync(int connections)
    {
        using var outside = new OtherNamespace();
        outside.LinkWithPod("10.77.0.1/16", "10.77.3.1/16");
        await using var application = new EndpointServer();
        application.Listen(Application);
        application.Listen(UnlistedPort);
        await using var workloads = new EndpointServer(new EndpointCertificates(authority, mesh.Identities), outside.Socket);
        Serve(workloads, outside);
        IstioRules.Lay(proxy.User);
        await controlPlane.StartAsync();
        await proxy.StartAsync();
        var clients = new ClientCertificates(authority);
        var (passed, failed) = (0, 0);
        foreach (var (step, strict) in Steps)
        {
            await Stage.GoToAsync(mesh.Steps.Single(one => one.Name == step), controlPlane, proxy);
            var clock = Stopwatch.StartNew();
            var faults = await SendAsync([.. Kinds(strict)], connections, new VerdictClient(clients), new VerdictClient(clients, outside.Socket));
            output.WriteLine($"{step,-12} {connections - faults.Count} of {connections} connections as they must be  ({clock.Elapsed.TotalSeconds:0.0} s)");
            faults.GroupBy(static fault => fault).OrderByDescending(static group => group.Count()).Take(ShownFaults).ToList()
                .ForEach(group => output.WriteLine($"FAIL {step}/{group.Key}{(group.Count() > 1 ? $" ({group.Count()} times)" : "")}"));
            passed += connections - faults.Count;
            failed += faults.Count;
            proxy.ThrowIfExited();
        }
        return (passed, failed);
    }

    /// <summary>Everything that is not the pod: workloads, and addresses that no service has.</summary>
    private void Serve(EndpointServer workloads, OtherNamespace outside)
    {
        var elsewhere = mesh.Addresses.Where(static address => address.StartsWith(MovedRecording.Network, StringComparison.Ordinal) && !address.StartsWith("10.77.3.1:", StringComparison.Ordinal))
            .Concat(NoServicePorts.Select(static port => NoService + port)).ToList();
        foreach (var address in elsewhere)
        {
            outside.Command("ip", "addr", "replace", address.Split(':')[0] + "/32", "dev", "lo");
            workloads.Listen(address);
        }
    }

    private static IEnumerable<Connection> Kinds(bool strict)
    {
        SentRequest In(string to = Application) => new() { To = to, Host = "reviews:9080", Path = "/reviews/0" };
        SentRequest Mutual(string[] alpn, string to = Application) => In(to) with { Proto = "https", Sni = ServerName, Alpn = alpn, Client = "client" };
        SentRequest Out(string to, string host) => new() { To = to, Host = host, Path = "/x" };
        Connection Plain(Connection kind) => strict ? kind with { Status = Reply.NoAnswer, ServedBy = [] } : kind;
        yield return new("in, mutual TLS", true, Mutual(Alpn), "200", [Application], Client: Caller);
        yield return new("in, mutual TLS and HTTP/2", true, Mutual(Alpn2), "200", [Application], Client: Caller);
        yield return new("in, mutual TLS, a port without a service", true, Mutual(Alpn, UnlistedPort), "200", [UnlistedPort], Client: Caller);
        yield return new("in, TLS without a certificate", true, Mutual(Alpn) with { Client = null }, Reply.NoAnswer, []);
        yield return Plain(new("in, plain", true, In(), "200", [Application]));
        yield return Plain(new("in, plain, with a forged identity", true, In() with { Headers = new Dictionary<string, string> { ["x-forwarded-client-cert"] = $"URI={Own}" } }, "200", [Application]));
        yield return Plain(new("in, TCP, a port without a service", true, new() { To = UnlistedPort, Proto = "tcp" }, Reply.Answered, [UnlistedPort]));
        yield return new("out, ratings", false, Out("10.96.1.4:9080", "ratings:9080"), "200", ["10.77.6.1:9080"], Peer: Own);
        yield return new("out, details", false, Out("10.96.1.2:9080", "details:9080"), "200", ["10.77.2.1:9080"], Peer: Own);
        yield return new("out, reviews, itself among them", false, Out("10.96.1.3:9080", "reviews:9080"), "200", [Application, "10.77.4.1:9080", "10.77.5.1:9080"], Peer: Own);
        yield return new("out, no service", false, Out(NoService + 80, "nobody"), "200", [NoService + 80]);
        yield return new("out, TCP, no service", false, new() { To = NoService + 9000, Proto = "tcp" }, Reply.Answered, [NoService + 9000]);
        yield return new("out, TLS, no service", false, new() { To = NoService + 8443, Proto = "tls", Sni = "nobody.example" }, Reply.Answered, [NoService + 8443]);
        yield return new("to the own address, past the proxy", false, In(), "200", [Application]);
    }

    private static async Task<IReadOnlyCollection<string>> SendAsync(IReadOnlyList<Connection> kinds, int connections, VerdictClient inside, VerdictClient outside)
    {
        var faults = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, connections), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, _) =>
        {
            var kind = kinds[number % kinds.Count];
            if (kind.Fault(await (kind.FromOutside ? outside : inside).SendAsync($"pod/{number}", kind.Request)) is { } fault)
            {
                faults.Add(fault);
            }
        });
        return faults;
    }
}
