using Amesh.Xds.Ads;

namespace Amesh.Xds.Tests.Ads;

public sealed class BackoffTests
{
    [Fact]
    public void Pauses_double_up_to_the_limit_with_up_to_half_taken_off_and_begin_anew_after_a_success()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), new Random(7));
        foreach (double whole in new[] { 1, 2, 4, 5, 5 })
        {
            Assert.InRange(backoff.Next().TotalSeconds, whole / 2, whole);
        }

        backoff.Reset();
        Assert.InRange(backoff.Next().TotalSeconds, 0.5, 1);
    }

    [Fact]
    public void Two_proxies_do_not_come_back_together()
    {
        double[] pauses = [.. Enumerable.Range(0, 20).Select(seed => new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), new Random(seed)).Next().TotalSeconds)];
        Assert.True(pauses.Distinct().Count() > 15);
    }
}
