using Amesh.Harness.Network;
using Amesh.Harness.Processes;

namespace Amesh.Harness.Native;

/// <summary>The library in nginx through everything that happens to an nginx and to a control plane.</summary>
internal static class LifeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(NativeSuite suite, RunFolder folder)
    {
        await suite.TestAsync("a push is routed by every worker", () => PushIsRoutedAsync(folder));
        await suite.TestAsync("a reload under load fails no request and keeps the mesh", () => ReloadAsync(folder));
        await suite.TestAsync("kill -9 of the library's process leaves the last good state and recovers", () => KillAsync(folder));
        await suite.TestAsync("the control plane may be away: the last good state stays, news come when it is back", () => AwayAndBackAsync(folder));
        await suite.TestAsync("nginx may start before the control plane", () => EarlyStartAsync(folder));
        await suite.TestAsync("a pod that starts while the control plane is away serves what it served before", () => WarmStartAsync(folder));
        await suite.TestAsync("a zone that is too small keeps the old state and names the size", () => SmallZoneAsync(folder));
    }

    private static async Task<string> PushIsRoutedAsync(RunFolder folder)
    {
        await using var playground = await Playground.StartAsync(folder);
        await playground.MustHoldAsync("first step", "base/reviews", "base/details", "base/unknown-host");
        await playground.GoToAsync("all-v1");
        await playground.MustHoldAsync("second push", "all-v1/reviews", "all-v1/jason");
        await playground.GoToAsync("v2-empty");
        await playground.MustHoldAsync("emptied endpoints", "v2-empty/reviews", "v2-empty/details");
        return $"commit {(await playground.Gateway.StateAsync()).Version}";
    }

    private static async Task<string> ReloadAsync(RunFolder folder)
    {
        await using var playground = await Playground.StartAsync(folder, step: "all-v1");
        var load = playground.PutUnderLoad(clients: 4);
        await load.MoreAsync(100);
        for (var reload = 0; reload < 3; reload++)
        {
            var before = playground.Gateway.LibraryHolder;
            var workers = playground.Gateway.WorkerIds;
            playground.Gateway.Reload();
            await Waiting.UntilAsync(
                () => Task.FromResult(playground.Gateway.LibraryHolder is { } holder && holder != before && !playground.Gateway.WorkerIds.Intersect(workers).Any()),
                Patience,
                () => "new workers hold the library and the old ones are gone\n" + playground.Gateway.LastWords());
            await load.MoreAsync(100);
        }
        var failures = await load.StopAsync();
        Check.That(failures.Count == 0, () => $"{failures.Count} of {load.Sent} requests failed: {failures[0]}");
        await playground.MustHoldAsync("after the reloads", "all-v1/reviews", "all-v1/ratings");
        await playground.GoToAsync("jason-to-v2");
        await playground.MustHoldAsync("the next push", "jason-to-v2/jason", "jason-to-v2/mary");
        var died = playground.Gateway.ErrorLines("exited on signal");
        Check.That(died.Count == 0, () => died[0]);
        return $"{load.Sent} requests over 3 reloads";
    }

    private static async Task<string> KillAsync(RunFolder folder)
    {
        await using var playground = await Playground.StartAsync(folder, step: "all-v1");
        const int Clients = 2;
        var load = playground.PutUnderLoad(Clients);
        await load.MoreAsync(50);
        var holder = playground.Gateway.LibraryHolder ?? throw new CheckException("no process holds the library");
        Shell.Run("kill", "-9", holder.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await Waiting.UntilAsync(
            () => Task.FromResult(playground.Gateway.LibraryHolder is { } next && next != holder), Patience, () => "another process holds the library\n" + playground.Gateway.LastWords());
        await load.MoreAsync(100);
        var failures = await load.StopAsync();
        // The killed process takes with it what it was answering, one request per client at most.
        Check.That(failures.Count <= Clients, () => $"{failures.Count} requests failed: {failures[0]}");
        await playground.MustHoldAsync("after the kill", "all-v1/reviews", "all-v1/jason");
        await playground.GoToAsync("jason-to-v2");
        await playground.MustHoldAsync("the next push", "jason-to-v2/jason", "jason-to-v2/mary");
        return $"{failures.Count} of {load.Sent} requests lost with the process";
    }

    private static async Task<string> AwayAndBackAsync(RunFolder folder)
    {
        await using var playground = await Playground.StartAsync(folder, step: "all-v1");
        await playground.ControlPlane.StopAsync();
        await Waiting.UntilAsync(async () => !await playground.Gateway.IsConnectedAsync(), Patience, () => "the library notices that the control plane is away");
        await playground.MustHoldAsync("without a control plane", "all-v1/reviews", "all-v1/details");
        playground.Gateway.Reload();
        var workers = playground.Gateway.WorkerIds;
        await Waiting.UntilAsync(() => Task.FromResult(!playground.Gateway.WorkerIds.Intersect(workers).Any()), Patience, () => "the workers of before the reload are gone");
        await playground.MustHoldAsync("without a control plane, after a reload", "all-v1/reviews", "all-v1/details");
        await playground.ControlPlane.StartAsync();
        await playground.GoToAsync("jason-to-v2");
        await playground.MustHoldAsync("when it is back", "jason-to-v2/jason", "jason-to-v2/mary");
        return "";
    }

    private static async Task<string> EarlyStartAsync(RunFolder folder)
    {
        await using var playground = Playground.LayOut(folder);
        await playground.Gateway.StartAsync();
        var early = await playground.Client.SendAsync("early", new Verdicts.SentRequest { To = "10.96.1.2:9080", Path = "/details/0", Host = "details:9080" });
        Check.That(early.Status is "503", () => $"a request before the first push: {early.Status} {early.Error}");
        await playground.ControlPlane.StartAsync();
        await playground.GoToAsync("base");
        await playground.MustHoldAsync("when the control plane is there", "base/details", "base/reviews");
        return $"{early.Status} before the first push";
    }

    private static async Task<string> WarmStartAsync(RunFolder folder)
    {
        // The workers' user writes it.
        var state = Directory.CreateTempSubdirectory("amesh-state-");
        Shell.Run("chmod", "777", state.FullName);
        try
        {
            var options = Playground.Bookinfo with { StateFile = Path.Combine(state.FullName, "state") };
            await using (await Playground.StartAsync(folder, options, step: "all-v1"))
            {
                await Waiting.UntilAsync(() => Task.FromResult(File.Exists(options.StateFile)), Patience, () => "the state is saved");
            }
            await using var playground = Playground.LayOut(folder, options);
            await playground.Gateway.StartAsync();
            await Waiting.UntilAsync(
                () => Task.FromResult(playground.Gateway.ErrorLines("are served until one does").Count > 0), Patience, () => "it says that it serves the saved state");
            await Waiting.UntilAsync(
                async () => await playground.DifferencesAsync("all-v1/details") == "", Patience, () => "the saved state is served");
            await playground.MustHoldAsync("without a control plane", "all-v1/reviews", "all-v1/jason", "all-v1/unknown-host");
            await playground.ControlPlane.StartAsync();
            await playground.GoToAsync("jason-to-v2");
            await playground.MustHoldAsync("when the control plane is back", "jason-to-v2/jason", "jason-to-v2/mary");
            return "";
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    /// <summary>Looks for a zone that holds the first step and not the later ones, and sees what becomes of them.</summary>
    private static async Task<string> SmallZoneAsync(RunFolder folder)
    {
        foreach (var kilobytes in new[] { 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128 })
        {
            await using var playground = Playground.LayOut(folder, Playground.Bookinfo with { ZoneSize = $"{kilobytes}k" });
            await playground.ControlPlane.StartAsync();
            await playground.Gateway.StartAsync();
            if (!await Waiting.HappensAsync(async () => (await playground.Gateway.StateAsync()).IsSettled || playground.Gateway.ErrorLines("xds-config").Any(IsFull), Patience))
            {
                throw new CheckException($"{kilobytes}k: neither a commit nor an error\n{playground.Gateway.LastWords()}");
            }
            if (playground.Gateway.ErrorLines("xds-config").Any(IsFull))
            {
                continue;
            }
            foreach (var step in playground.Mesh.Steps)
            {
                await playground.ControlPlane.GoToAsync(step.Name);
                await Stage.SettleAsync(step, playground.ControlPlane, playground.Gateway, () => playground.Gateway.ErrorLines("xds-config").Any(IsFull));
                if (playground.Gateway.ErrorLines("xds-config").FirstOrDefault(IsFull) is { } line)
                {
                    await playground.MustHoldAsync($"{kilobytes}k, full at {step.Name}", "base/details", "base/productpage");
                    return $"{kilobytes}k, full at {step.Name}: {line[line.IndexOf("xds-config", StringComparison.Ordinal)..]}";
                }
            }
        }
        throw new CheckException("no size was too small for a later step only");
    }

    private static bool IsFull(string line) => line.Contains("small", StringComparison.OrdinalIgnoreCase) || line.Contains("full", StringComparison.OrdinalIgnoreCase) || line.Contains("room", StringComparison.OrdinalIgnoreCase);
}
