using System.Diagnostics;

namespace Amesh.Harness.Processes;

/// <summary>Waiting for something to become true, by looking.</summary>
internal static class Waiting
{
    /// <summary>Looks every few milliseconds until <paramref name="ready"/> says so; throws <see cref="HarnessException"/> naming what did not happen.</summary>
    public static async Task UntilAsync(Func<Task<bool>> ready, TimeSpan patience, Func<string> what, TimeSpan? interval = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await ready())
        {
            if (clock.Elapsed > patience)
            {
                throw new HarnessException($"not within {patience.TotalSeconds:0} s: {what()}");
            }
            await Task.Delay(interval ?? TimeSpan.FromMilliseconds(10));
        }
    }

    /// <summary>Like <see cref="UntilAsync(Func{Task{bool}}, TimeSpan, Func{string}, TimeSpan?)"/>, but only tells whether it came true.</summary>
    public static async Task<bool> HappensAsync(Func<Task<bool>> ready, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (!await ready())
        {
            if (clock.Elapsed > patience)
            {
                return false;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
        return true;
    }
}
