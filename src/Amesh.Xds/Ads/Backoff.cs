namespace Amesh.Xds.Ads;

/// <summary>
/// Pauses between attempts: doubled each time up to a limit, and a random half taken off, so that proxies that lost their
/// control plane together do not come back together.
/// </summary>
internal sealed class Backoff
{
    private readonly TimeSpan _first;
    private readonly TimeSpan _max;
    private readonly Random _random;
    private TimeSpan _next;

    public Backoff(TimeSpan first, TimeSpan max, Random random) => (_first, _max, _random, _next) = (first, max, random, first);

    public void Reset() => _next = _first;

    public TimeSpan Next()
    {
        TimeSpan pause = _next;
        _next = pause >= _max / 2 ? _max : pause * 2;
        return pause * (0.5 + _random.NextDouble() / 2);
    }
}
