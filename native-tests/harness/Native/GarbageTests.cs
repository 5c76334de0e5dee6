using Amesh.Harness.Processes;

namespace Amesh.Harness.Native;

/// <summary>A control plane that misbehaves: the last good state stays, what is wrong is refused, and what comes after is taken.</summary>
internal static class GarbageTests
{
    public static async Task RunAsync(NativeSuite suite, RunFolder folder)
    {
        foreach (var fault in new[] { "garbage", "unknown-type", "unknown-response", "nonce-reuse", "half-message", "unavailable", "silent" })
        {
            foreach (var protocol in new[] { "delta", "sotw" })
            {
                await suite.TestAsync($"control plane: {fault} ({protocol})", () => FaultAsync(folder, fault, protocol));
            }
        }
        await suite.TestAsync("a server without Delta is asked for SotW", () => FallBackAsync(folder));
    }

    private static async Task<string> FaultAsync(RunFolder folder, string fault, string protocol)
    {
        await using var playground = await Playground.StartAsync(folder, Playground.Bookinfo with { Protocol = protocol }, node: true, step: "all-v1");
        await playground.ControlPlane.PostAsync($"fault?kind={fault}");
        if (fault is "unavailable")
        {
            await playground.ControlPlane.PostAsync("disconnect");
            await Waiting.UntilAsync(async () => !await playground.Gateway.IsConnectedAsync(), TimeSpan.FromSeconds(20), () => "the library notices");
        }
        var nacks = 0;
        if (fault is "garbage")
        {
            await Waiting.UntilAsync(async () => (nacks = ControlPlane.Nacks(await playground.ControlPlane.StateAsync())) > 0, TimeSpan.FromSeconds(20), () => "a NACK");
        }
        await playground.MustHoldAsync("while it lasts", "all-v1/reviews", "all-v1/details", "all-v1/ratings");
        await playground.ControlPlane.PostAsync("fault?kind=none");
        await playground.ControlPlane.PostAsync("disconnect?hard=1");
        await playground.GoToAsync("jason-to-v2");
        await playground.MustHoldAsync("afterwards", "jason-to-v2/jason", "jason-to-v2/mary", "jason-to-v2/details");
        return nacks > 0 ? $"{nacks} NACKs" : "";
    }

    private static async Task<string> FallBackAsync(RunFolder folder)
    {
        await using var playground = Playground.LayOut(folder, node: true);
        await playground.ControlPlane.StartAsync("--sotw-only");
        await playground.Gateway.StartAsync();
        await playground.GoToAsync("base");
        await playground.MustHoldAsync("over SotW", "base/reviews", "base/details");
        return "";
    }
}
