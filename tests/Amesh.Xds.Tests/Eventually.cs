using System.Diagnostics;

namespace Amesh.Xds.Tests;

/// <summary>Waits for what happens on other threads. The limit is only there to end a test that would hang.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task True(Func<bool> condition, Func<string> what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > Limit)
            {
                Assert.Fail("never came true: " + what());
            }

            await Task.Delay(5);
        }
    }

    public static async Task<T> Within<T>(Task<T> task, string what) =>
        await Task.WhenAny(task, Task.Delay(Limit)) == task ? await task : throw new TimeoutException("never came: " + what);
}
