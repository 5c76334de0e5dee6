using System.Collections.Concurrent;
using Amesh.Harness.Native;

namespace Amesh.Harness.Capture;

/// <summary>Connections of every kind at once, each of which must reach the endpoint that is meant for it.</summary>
internal static class MixedLoad
{
    private const int AtOnce = 32;
    private const string Web = "127.7.0.1:8080";
    private const string Left = "127.7.0.3:9000";
    private const string Right = "127.7.0.4:9000";

    /// <summary>What is sent where, and who must answer.</summary>
    public static IReadOnlyList<(string Proto, string To, string? Sni, string Endpoint)> Kinds { get; } =
    [
        // the listener says what it is
        ("http", "10.97.0.4:9080", null, Web),
        ("h2c", "10.97.0.4:9080", null, Web),
        ("http", "[fd00:97::1]:9080", null, Web),
        ("tls", "10.97.0.3:443", "a.example", Left),
        ("tls", "10.97.0.3:443", "b.example", Right),
        // the first bytes say it
        ("http", "10.97.0.4:7000", null, Web),
        ("h2c", "10.97.0.4:7000", null, Web),
        ("http", "[fd00:97::1]:7000", null, Web),
        ("tls", "10.97.0.4:7000", "c.example", Right),
        ("tcp", "10.97.0.4:7000", null, Left),
        ("tcp", "[fd00:97::1]:7000", null, Left),
        // nothing is said about it
        ("tcp", "10.97.0.9:5555", null, "10.97.0.9:5555"),
        ("http", "10.97.0.9:5555", null, "10.97.0.9:5555"),
        ("tls", "10.97.0.9:5555", "d.example", "10.97.0.9:5555"),
        ("tcp", "[fd00:97::1]:5555", null, "[fd00:97::1]:5555"),
    ];

    public static async Task<string> RunAsync(CaptureStage stage, int connections)
    {
        var wrong = new ConcurrentQueue<string>();
        await Parallel.ForAsync(0, connections, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, _) =>
        {
            var (proto, to, sni, endpoint) = Kinds[number % Kinds.Count];
            var answer = await stage.AskAsync(proto, to, sni);
            if (answer != endpoint)
            {
                wrong.Enqueue($"{proto} to {to} {sni}: expected {endpoint}, got {answer}");
            }
        });
        Check.That(wrong.IsEmpty, () => $"{wrong.Count} of {connections} went wrong; {string.Join("; ", wrong.GroupBy(static one => one).OrderByDescending(static same => same.Count()).Take(12).Select(static same => $"{same.Count()} x {same.Key}"))}");
        return $"{Kinds.Count} kinds";
    }
}
