using System.Net;
using System.Text.Json;
using Amesh.Harness.Endpoints;

namespace Amesh.Harness.Verdicts;

/// <summary>What a real Envoy did with one scenario: <c>native-tests/verdicts/CONTROLPLANE-SCENARIO.json</c>.</summary>
internal sealed record VerdictFile
{
    /// <summary>The recording under <c>samples/</c>, as <c>istio/bookinfo</c>.</summary>
    public required string Scenario { get; init; }

    /// <summary><c>router</c> for a gateway, which is called on its own address; else a sidecar.</summary>
    public string? Proxy { get; init; }

    /// <summary>The workload's own address.</summary>
    public string? Inbound { get; init; }

    /// <summary>Addresses outside 127.0.0.0/8 with a small server of their own.</summary>
    public IReadOnlyList<string> Vips { get; init; } = [];

    /// <summary>What host names of DNS clusters resolve to.</summary>
    public IReadOnlyDictionary<string, string> Dns { get; init; } = new Dictionary<string, string>();

    /// <summary>The cases of each step; the steps' order is the recording's, not this file's.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<VerdictCase>> Steps { get; init; }

    /// <summary>Addresses on which the proxy itself is called: a gateway's, and loopback ones that are no endpoint's.</summary>
    public HashSet<string> ProxyAddresses(IEnumerable<string> endpoints)
    {
        var called = Steps.Values.SelectMany(static cases => cases).Select(static verdict => verdict.Send.To);
        return [.. Proxy == "router" ? called : called.Except(endpoints).Except(Vips).Where(address =>
            IPEndPoint.Parse(address).Address is { } ip && IPAddress.IsLoopback(ip) && ip.ToString() != Inbound)];
    }

    /// <summary>Reads a file.</summary>
    public static VerdictFile Read(string path) =>
        JsonSerializer.Deserialize<VerdictFile>(File.ReadAllBytes(path), Answer.Json) ?? throw new HarnessException($"{path}: empty");
}

/// <summary>One request and what came of it.</summary>
/// <param name="Id">STEP/NAME.</param>
/// <param name="Send">What to send.</param>
/// <param name="Got">What a real Envoy did.</param>
/// <param name="Times">How often it is sent, each time on a connection of its own.</param>
internal sealed record VerdictCase(string Id, SentRequest Send, Outcome Got, int Times = 1);

/// <summary>What a client sends, byte for byte.</summary>
internal sealed record SentRequest
{
    /// <summary>Where the application connects.</summary>
    public required string To { get; init; }

    /// <summary>The application's own address; the kernel's choice when absent.</summary>
    public string? From { get; init; }

    /// <summary>Request method.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>Path and query as they go over the wire.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Host header or :authority.</summary>
    public string Host { get; init; } = "";

    /// <summary>Further headers.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Request body.</summary>
    public string? Body { get; init; }

    /// <summary><c>http</c>, <c>h2c</c>, <c>https</c>, <c>tcp</c> or <c>tls</c>.</summary>
    public string Proto { get; init; } = "http";

    /// <summary>TLS: the server name asked for.</summary>
    public string? Sni { get; init; }

    /// <summary>TLS: the protocols offered.</summary>
    public IReadOnlyList<string> Alpn { get; init; } = [];

    /// <summary>TLS: the name of the client's certificate.</summary>
    public string? Client { get; init; }
}

/// <summary>What came of a case: of Envoy as recorded, of the gateway as measured.</summary>
internal sealed record Outcome
{
    /// <summary>How often each status came: HTTP codes, <c>answered</c>, <c>closed without an answer</c>, <c>tls handshake failed</c>, <c>no answer</c>.</summary>
    public required Dictionary<string, int> Status { get; init; }

    /// <summary>How often each endpoint's answer reached the client.</summary>
    public Dictionary<string, int> ServedBy { get; init; } = [];

    /// <summary>Requests that no answer accounts for: mirrors, and tries before the last.</summary>
    public Dictionary<string, int> AlsoReached { get; init; } = [];

    /// <summary>What the endpoint saw of the last request.</summary>
    public SeenRequest? Seen { get; init; }

    /// <summary>Headers of the last answer.</summary>
    public Dictionary<string, List<string>> ResponseHeaders { get; init; } = [];

    /// <summary>Body of the last answer, when it is not an endpoint's report.</summary>
    public string? Body { get; init; }

    /// <summary>How long the last one took.</summary>
    public double? Seconds { get; init; }

    /// <summary>Why there was no answer, in the client's words.</summary>
    public string? Error { get; init; }
}
