using Amesh.Harness.Client;
using Amesh.Harness.Native;
using Amesh.Harness.Processes;

namespace Amesh.Harness.Capture;

/// <summary>HTTP, TCP and TLS at one captured port of a real APISIX, with real packets.</summary>
internal static class CaptureTests
{
    private const string Web = "127.7.0.1:8080";
    private const string Database = "127.7.0.2:3306";
    private const string Left = "127.7.0.3:9000";
    private const string Right = "127.7.0.4:9000";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(NativeSuite suite, CaptureStage stage)
    {
        await suite.TestAsync("each kind of traffic goes where its listener says, IPv4 and IPv6", () => KindsAsync(stage));
        await suite.TestAsync("inbound by REDIRECT: the destination's port decides", () => InboundAsync(stage, CaptureStage.Own[0], "10.97.0.1"));
        await suite.TestAsync("a server may speak first where the listener says TCP", () => ServerFirstAsync(stage));
        await suite.TestAsync("first bytes that come one by one are waited for", () => SlowlyAsync(stage));
        await suite.TestAsync("a client that says nothing: closed, or passed on, as the listener says", () => SilentAsync(stage));
        await suite.TestAsync("what nothing takes is closed", () => ClosedAsync(stage));
        await suite.TestAsync("weighted clusters", () => WeightedAsync(stage));
        await suite.TestAsync("another endpoint is tried when one does not accept, as often as the route says", () => TriesAsync(stage));
        await suite.TestAsync("a connection without traffic ends after the idle timeout", () => IdleAsync(stage));
        await suite.TestAsync("one side may end what it says and still hear the rest", () => HalfClosedAsync(stage));
        await suite.TestAsync("10,000 connections of mixed kinds, none misrouted", () => MixedLoad.RunAsync(stage, 10_000));
        await suite.TestAsync("a reload leaves open TCP connections alone", () => ReloadAsync(stage));
        await suite.TestAsync("no more connections than a cluster's circuit breakers allow, also over a reload", () => NarrowAsync(stage));
        stage.RedirectInboundTransparently();
        await suite.TestAsync("inbound by TPROXY, IPv4", () => InboundAsync(stage, CaptureStage.Own[0], "10.97.0.1"));
        await suite.TestAsync("inbound by TPROXY, IPv6", () => InboundAsync(stage, $"[{CaptureStage.Own[1]}]", "fd00:97::1"));
    }

    private static async Task<string> KindsAsync(CaptureStage stage)
    {
        foreach (var (proto, to, sni, endpoint) in MixedLoad.Kinds)
        {
            await stage.MustReachAsync(endpoint, proto, to, sni);
        }
        return "";
    }

    private static async Task<string> InboundAsync(CaptureStage stage, string own, string from)
    {
        await stage.MustReachAsync(Web, "http", $"{own}:8080", from: from);
        await stage.MustReachAsync(Web, "h2c", $"{own}:8080", from: from);
        await stage.MustReachAsync(Left, "tcp", $"{own}:9000", from: from);
        var other = await stage.AskAsync("tcp", $"{own}:9001", from: from);
        Check.That(other.StartsWith(Reply.ClosedWithoutAnswer, StringComparison.Ordinal), () => $"a port that no chain is for: {other}");
        return "";
    }

    private static async Task<string> ServerFirstAsync(CaptureStage stage)
    {
        await using var connection = await Conversation.OpenAsync("10.97.0.1:3306");
        await MustHearAsync(connection, $"hello {Database}");
        await connection.SayAsync("select\n");
        await MustHearAsync(connection, "select");
        return "";
    }

    private static async Task<string> SlowlyAsync(CaptureStage stage)
    {
        _ = stage;
        await using var connection = await Conversation.OpenAsync("10.97.0.4:7000");
        foreach (var character in "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
        {
            await connection.SayAsync(character.ToString());
        }
        await MustHearAsync(connection, "HTTP/1.1 200 OK\r");
        return "";
    }

    private static async Task<string> SilentAsync(CaptureStage stage)
    {
        _ = stage;
        await using var closed = await Conversation.OpenAsync("10.97.0.3:443");
        await MustHearAsync(closed, null);
        await using var passedOn = await Conversation.OpenAsync("10.97.0.2:7005");
        await MustHearAsync(passedOn, $"hello {Database}");
        return "";
    }

    private static async Task<string> ClosedAsync(CaptureStage stage)
    {
        foreach (var (proto, to, sni) in new[] { ("tls", "10.97.0.3:443", "c.other"), ("tcp", "10.97.0.3:443", null), ("tcp", "10.97.0.2:7004", null) })
        {
            var answer = await stage.AskAsync(proto, to, sni);
            Check.That(
                answer.StartsWith(Reply.ClosedWithoutAnswer, StringComparison.Ordinal) || answer.StartsWith(Reply.HandshakeFailed, StringComparison.Ordinal),
                () => $"{proto} to {to} {sni}: {answer}");
        }
        return "";
    }

    private static async Task<string> WeightedAsync(CaptureStage stage)
    {
        const int Times = 400;
        var left = 0;
        for (var time = 0; time < Times; time++)
        {
            var answer = await stage.AskAsync("tcp", "10.97.0.2:7001");
            Check.That(answer is Left or Right, () => answer);
            left += answer == Left ? 1 : 0;
        }
        // four standard deviations of a draw of 75 in 100
        Check.That(Math.Abs(left - (Times * 0.75)) < 4 * Math.Sqrt(Times * 0.75 * 0.25), () => $"{left} of {Times} went to the heavy one");
        return $"{left} of {Times} to the one with 75%";
    }

    private static async Task<string> TriesAsync(CaptureStage stage)
    {
        for (var time = 0; time < 10; time++)
        {
            await stage.MustReachAsync(Left, "tcp", "10.97.0.2:7003");
        }
        return "";
    }

    private static async Task<string> IdleAsync(CaptureStage stage)
    {
        _ = stage;
        await using var connection = await Conversation.OpenAsync("10.97.0.2:7002");
        await MustHearAsync(connection, null);
        return "";
    }

    private static async Task<string> HalfClosedAsync(CaptureStage stage)
    {
        _ = stage;
        await using var connection = await Conversation.OpenAsync("10.97.0.1:3306");
        await MustHearAsync(connection, $"hello {Database}");
        await connection.SayAsync("last\n");
        connection.FallSilent();
        await MustHearAsync(connection, "last");
        await MustHearAsync(connection, null);
        return "";
    }

    private static async Task<string> ReloadAsync(CaptureStage stage)
    {
        var open = new List<Conversation>();
        // has not said what it is: its worker waits on, and serves what it says then
        await using var undecided = await Conversation.OpenAsync("10.97.0.4:7000");
        for (var one = 0; one < 20; one++)
        {
            open.Add(await Conversation.OpenAsync("10.97.0.1:3306"));
            await MustHearAsync(open[^1], $"hello {Database}");
        }

        var before = stage.Gateway.WorkerIds;
        stage.Gateway.Reload();
        await Waiting.UntilAsync(() => Task.FromResult(stage.Gateway.WorkerIds.Except(before).Count() >= before.Count), Patience, () => "new workers");
        await stage.SettleAsync();
        foreach (var connection in open)
        {
            await connection.SayAsync("still there\n");
            await MustHearAsync(connection, "still there");
        }
        await undecided.SayAsync("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n");
        await MustHearAsync(undecided, "HTTP/1.1 200 OK\r");
        foreach (var (proto, to, sni, endpoint) in MixedLoad.Kinds)
        {
            await stage.MustReachAsync(endpoint, proto, to, sni);
        }
        foreach (var connection in open)
        {
            await connection.DisposeAsync();
        }
        await Waiting.UntilAsync(() => Task.FromResult(!stage.Gateway.WorkerIds.Intersect(before).Any()), Patience, () => "the old workers are gone");
        return "";
    }

    private static async Task<string> NarrowAsync(CaptureStage stage)
    {
        const string Narrow = "10.97.0.2:7006";
        await using var first = await Conversation.OpenAsync(Narrow);
        await MustHearAsync(first, $"hello {Database}");
        var second = await Conversation.OpenAsync(Narrow);
        await MustHearAsync(second, $"hello {Database}");
        await MustBeClosedAsync();

        var before = stage.Gateway.WorkerIds;
        stage.Gateway.Reload();
        await Waiting.UntilAsync(() => Task.FromResult(stage.Gateway.WorkerIds.Except(before).Count() >= before.Count), Patience, () => "new workers");
        await stage.SettleAsync();
        await MustBeClosedAsync();
        await second.DisposeAsync();
        await Waiting.UntilAsync(
            async () =>
            {
                await using var third = await Conversation.OpenAsync(Narrow);
                return await third.HearAsync() is not null;
            },
            Patience,
            () => "a place that is free again is taken");
        await first.SayAsync("still there\n");
        await MustHearAsync(first, "still there");
        return "";

        static async Task MustBeClosedAsync()
        {
            await using var another = await Conversation.OpenAsync(Narrow);
            await MustHearAsync(another, null);
        }
    }

    private static async Task MustHearAsync(Conversation connection, string? expected)
    {
        var heard = await connection.HearAsync();
        Check.That(heard == expected, () => $"expected {expected ?? "the end"}, heard {heard ?? "the end"}");
    }
}
