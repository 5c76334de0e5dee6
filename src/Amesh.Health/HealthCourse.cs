namespace Amesh.Health;

/// <summary>What one check came to.</summary>
internal enum CheckResult
{
    /// <summary>Good.</summary>
    Good,

    /// <summary>Good, but others should be asked first.</summary>
    Degraded,

    /// <summary>A bad answer.</summary>
    Bad,

    /// <summary>A bad answer of the kind that counts as none.</summary>
    Retriable,

    /// <summary>No answer, or no connection.</summary>
    None,
}

/// <summary>An endpoint's health over time, by Envoy's rules.</summary>
/// <remarks>
/// Source: Envoy's HealthCheckerImplBase. An endpoint is unhealthy until its first good answer, which is enough whatever the
/// threshold. A bad answer makes it unhealthy at once, and only checks without an answer are counted.
/// </remarks>
internal sealed class HealthCourse(HealthCheck check)
{
    private bool _isFirst = true;
    private bool _isDegraded;
    private uint _good;
    private uint _failed;

    /// <summary>Whether it is unhealthy.</summary>
    public bool IsUnhealthy { get; private set; } = true;

    /// <summary>The status now.</summary>
    public HealthStatus Status => IsUnhealthy ? HealthStatus.Unhealthy : _isDegraded ? HealthStatus.Degraded : HealthStatus.Healthy;

    /// <summary>Takes a result; says how long to wait for the next check, without what chance adds.</summary>
    public TimeSpan Note(CheckResult result, bool hasTraffic)
    {
        bool isGood = result is CheckResult.Good or CheckResult.Degraded;
        bool isPending = isGood ? Succeed(result == CheckResult.Degraded) : Fail(result == CheckResult.Bad);
        _isFirst = false;
        if (!hasTraffic)
        {
            return isGood && !isPending ? check.NoTrafficHealthyInterval ?? check.NoTrafficInterval : check.NoTrafficInterval;
        }

        TimeSpan unhealthy = check.UnhealthyInterval ?? check.Interval;
        return isGood
            ? isPending ? check.HealthyEdgeInterval ?? check.Interval : check.Interval
            : isPending ? check.UnhealthyEdgeInterval ?? unhealthy : unhealthy;
    }

    // Both say whether the endpoint is on its way to another state.
    private bool Succeed(bool isDegraded)
    {
        _failed = 0;
        _isDegraded = isDegraded;
        if (!IsUnhealthy)
        {
            return false;
        }

        if (!_isFirst && ++_good != check.HealthyThreshold)
        {
            return true;
        }

        IsUnhealthy = false;
        return false;
    }

    private bool Fail(bool atOnce)
    {
        _good = 0;
        if (IsUnhealthy)
        {
            return false;
        }

        if (!atOnce && ++_failed != check.UnhealthyThreshold)
        {
            return true;
        }

        IsUnhealthy = true;
        return false;
    }
}
