namespace Amesh.Health.Tests;

public class HealthCourseTests
{
    private static readonly HealthCheck Check = new("c")
    {
        Interval = Seconds(10),
        UnhealthyInterval = Seconds(20),
        UnhealthyEdgeInterval = Seconds(21),
        HealthyEdgeInterval = Seconds(11),
        NoTrafficInterval = Seconds(60),
        NoTrafficHealthyInterval = Seconds(90),
        UnhealthyThreshold = 2,
        HealthyThreshold = 3,
    };

    private readonly HealthCourse _course = new(Check);

    [Fact]
    public void The_first_check_decides_alone()
    {
        Assert.Equal(HealthStatus.Unhealthy, _course.Status);
        Note(CheckResult.Good, HealthStatus.Healthy, 10);

        Assert.Equal(Seconds(20), new HealthCourse(Check).Note(CheckResult.None, true));
    }

    [Fact]
    public void After_a_first_failure_so_many_good_answers_are_needed()
    {
        Note(CheckResult.None, HealthStatus.Unhealthy, 20);
        Note(CheckResult.Good, HealthStatus.Unhealthy, 11);
        Note(CheckResult.Good, HealthStatus.Unhealthy, 11);

        // A failure begins the count again.
        Note(CheckResult.Bad, HealthStatus.Unhealthy, 20);
        Note(CheckResult.Good, HealthStatus.Unhealthy, 11);
        Note(CheckResult.Good, HealthStatus.Unhealthy, 11);
        Note(CheckResult.Good, HealthStatus.Healthy, 10);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answers_that_do_not_come_are_counted(bool retriable)
    {
        CheckResult failure = retriable ? CheckResult.Retriable : CheckResult.None;
        Note(CheckResult.Good, HealthStatus.Healthy, 10);
        Note(failure, HealthStatus.Healthy, 21);
        Note(CheckResult.Good, HealthStatus.Healthy, 10);
        Note(failure, HealthStatus.Healthy, 21);
        Note(failure, HealthStatus.Unhealthy, 20);
    }

    [Fact]
    public void A_bad_answer_counts_at_once()
    {
        Note(CheckResult.Good, HealthStatus.Healthy, 10);
        Note(CheckResult.Bad, HealthStatus.Unhealthy, 20);
    }

    [Fact]
    public void Degraded_is_as_the_last_good_answer_says()
    {
        Note(CheckResult.Degraded, HealthStatus.Degraded, 10);
        Note(CheckResult.None, HealthStatus.Degraded, 21);
        Note(CheckResult.Good, HealthStatus.Healthy, 10);
    }

    [Fact]
    public void Without_traffic_there_is_more_time()
    {
        Assert.Equal(Seconds(60), _course.Note(CheckResult.None, false));
        Assert.Equal(Seconds(60), _course.Note(CheckResult.Good, false));
        _course.Note(CheckResult.Good, false);
        Assert.Equal(Seconds(90), _course.Note(CheckResult.Good, false));
        Assert.Equal(Seconds(10), _course.Note(CheckResult.Good, true));
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private void Note(CheckResult result, HealthStatus status, int wait)
    {
        Assert.Equal(Seconds(wait), _course.Note(result, true));
        Assert.Equal(status, _course.Status);
    }
}
