using System.Globalization;
using Amesh.Harness.Processes;

namespace Amesh.Harness.Native;

/// <summary>The library is a guest in nginx's process: signals stay nginx's, and its memory is measured.</summary>
internal static class GuestTests
{
    // What the .NET runtime cannot do without: null references and arithmetic (SIGSEGV, SIGFPE, SIGBUS, SIGILL, SIGABRT), suspending threads for the
    // collector (SIGRTMIN), glibc's own for threads (32, 33), and SIGPIPE ignored, which nginx does itself.
    private static readonly HashSet<int> Runtime = [4, 5, 6, 7, 8, 11, 13, 32, 33, 34, 35];

    // Kilobytes: far above what is measured, far below what a heap that is never given back would be.
    private const long MostMemory = 48 * 1024;

    // Once a second; the library looks as often whether it is idle.
    private const int LooksAtMemory = 6;

    private static readonly string[] Dispositions = ["SigCgt", "SigIgn"];

    public static async Task RunAsync(NativeSuite suite, RunFolder folder)
    {
        await suite.TestAsync("signal handlers and masks of nginx stay as they were", () => SignalsAsync(folder));
        await suite.TestAsync("the library's threads take no signals", () => ThreadsAsync(folder));
        await suite.TestAsync("memory that the library adds", () => MemoryAsync(folder));
    }

    private static async Task<string> SignalsAsync(RunFolder folder)
    {
        Dictionary<string, string> without;
        await using (var plain = Playground.LayOut(folder, Playground.Bookinfo with { WithLibrary = false }))
        {
            await plain.Gateway.StartAsync();
            without = await SettledStatusAsync(plain.Gateway.WorkerIds[0]);
        }
        await using var playground = await Playground.StartAsync(folder);
        var with = await SettledStatusAsync(playground.Gateway.LibraryHolder ?? throw new CheckException("no process holds the library"));
        Check.That(with["SigBlk"] == without["SigBlk"], () => $"blocked signals: {without["SigBlk"]} became {with["SigBlk"]}");
        var changed = Dispositions.SelectMany(set => Signals(without[set]).Except(Signals(with[set])).Concat(Signals(with[set]).Except(Signals(without[set])))).Distinct().Order().ToList();
        var foreign = changed.Where(static signal => !Runtime.Contains(signal)).ToList();
        Check.That(foreign.Count == 0, () => $"handled otherwise: {string.Join(" ", foreign)}");
        return changed.Count == 0 ? $"handled {with["SigCgt"]}, ignored {with["SigIgn"]}, as without the library" : $"only the runtime's own changed: {string.Join(" ", changed)}";
    }

    /// <summary>A worker's status once it has started: until then nginx blocks signals for a moment.</summary>
    private static async Task<Dictionary<string, string>> SettledStatusAsync(int id)
    {
        await Waiting.UntilAsync(
            () => Task.FromResult(File.ReadAllText($"/proc/{id}/wchan") is "ep_poll" or "do_epoll_wait" or "0" && !Signals(Status(id)["SigBlk"]).Any()),
            TimeSpan.FromSeconds(5),
            () => $"worker {id} takes signals: {Status(id)["SigBlk"]}");
        return Status(id);
    }

    private static async Task<string> ThreadsAsync(RunFolder folder)
    {
        await using var playground = await Playground.StartAsync(folder);
        var holder = playground.Gateway.LibraryHolder ?? throw new CheckException("no process holds the library");
        // What nginx lives by: a thread of ours that took one of these would swallow it.
        int[] nginx = [1, 2, 3, 10, 12, 14, 15, 17, 28, 29];
        var threads = Directory.GetDirectories($"/proc/{holder}/task").Where(task => Path.GetFileName(task) != holder.ToString(CultureInfo.InvariantCulture)).ToList();
        foreach (var thread in threads)
        {
            var open = nginx.Except(Signals(Fields(Path.Combine(thread, "status"))["SigBlk"])).ToList();
            Check.That(open.Count == 0, () => $"thread {File.ReadAllText(Path.Combine(thread, "comm")).Trim()} takes signals {string.Join(" ", open)}");
        }
        return $"{threads.Count} threads";
    }

    private static async Task<string> MemoryAsync(RunFolder folder)
    {
        long plain;
        await using (var without = Playground.LayOut(folder, Playground.Bookinfo with { WithLibrary = false }))
        {
            await without.Gateway.StartAsync();
            plain = Resident(without.Gateway.WorkerIds[0]);
        }
        await using var playground = await Playground.StartAsync(folder, step: "all-v1");
        var holder = playground.Gateway.LibraryHolder ?? throw new CheckException("no process holds the library");
        var others = playground.Gateway.WorkerIds.Where(id => id != holder).Select(Resident).DefaultIfEmpty(plain).Max();
        // The library gives back what a push took once it is idle.
        var after = Resident(holder);
        var with = after;
        for (var look = 0; look < LooksAtMemory; look++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            with = Math.Min(with, Resident(holder));
        }
        Check.That(with - others < MostMemory, () => $"RSS added {Megabytes(with - others)}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"worker with the library {Megabytes(after)} right after the push and {Megabytes(with)} idle ({Status(holder)["RssAnon"]} of it its own), worker beside it {Megabytes(others)}, nginx without {Megabytes(plain)}: RSS added {Megabytes(with - others)}");
    }

    private static string Megabytes(long kilobytes) => string.Create(CultureInfo.InvariantCulture, $"{kilobytes / 1024.0:0.0} MB");

    private static long Resident(int id) => long.Parse(Status(id)["VmRSS"].Split(' ')[0], CultureInfo.InvariantCulture);

    private static Dictionary<string, string> Status(int id) => Fields($"/proc/{id}/status");

    private static Dictionary<string, string> Fields(string path) =>
        File.ReadAllLines(path).Select(static line => line.Split(':', 2)).Where(static parts => parts.Length == 2).ToDictionary(static parts => parts[0], static parts => parts[1].Trim());

    private static IEnumerable<int> Signals(string mask)
    {
        var bits = ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return Enumerable.Range(1, 64).Where(signal => (bits >> (signal - 1) & 1) != 0);
    }
}
