using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Route.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Routes;

public class RetriesTests
{
    [Fact]
    public void Without_a_reason_there_is_no_retry() => Assert.Null(Translate(new RetryPolicy { NumRetries = 3 }));

    [Fact]
    public void The_longest_pause_is_ten_times_the_base_unless_it_is_said()
    {
        var policy = new RetryPolicy { RetryOn = "5xx, reset", RetryBackOff = new RetryPolicy.Types.RetryBackOff { BaseInterval = new Duration { Nanos = 20_000_000 } } };
        Retry retry = Translate(policy)!;
        Assert.Equal(["5xx", "reset"], retry.On);
        Assert.Equal((1u, 0.02, 0.2), (retry.Num, retry.BaseInterval, retry.MaxInterval));

        policy.RetryBackOff.MaxInterval = new Duration { Seconds = 1 };
        Assert.Equal(1, Translate(policy)!.MaxInterval);
    }

    private static Retry? Translate(RetryPolicy policy) => Retries.Translate(policy, new DiagnosticScope("r", []));
}
