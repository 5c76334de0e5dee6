using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Clusters;

public class OutlierEjectionTests
{
    [Fact]
    public void Envoys_defaults_hold_where_nothing_is_said() =>
        Assert.Equal("5xx=5,rate=1.9,interval=10,base=30,max=300,percent=10,panic=50", OutlierEjection.Translate(new OutlierDetection(), 50));

    [Fact]
    public void All_settings_are_carried() => Assert.Equal(
        "5xx=3,gateway=2@50,local=7,rate=1.9@30,rate_hosts=2,failures=70@0,failure_requests=10,local_failures=40,interval=5,base=400.5,max=400.5,percent=60,panic=0,split=1,jitter=2,one=1",
        OutlierEjection.Translate(
            new OutlierDetection
            {
                Consecutive5Xx = 3,
                ConsecutiveGatewayFailure = 2,
                EnforcingConsecutiveGatewayFailure = 50,
                SplitExternalLocalOriginErrors = true,
                ConsecutiveLocalOriginFailure = 7,
                Interval = Duration.FromTimeSpan(TimeSpan.FromSeconds(5)),
                BaseEjectionTime = Duration.FromTimeSpan(TimeSpan.FromSeconds(400.5)),
                MaxEjectionPercent = 60,
                EnforcingSuccessRate = 30,
                SuccessRateMinimumHosts = 2,
                SuccessRateRequestVolume = 100,
                EnforcingLocalOriginSuccessRate = 0,
                EnforcingFailurePercentageLocalOrigin = 40,
                FailurePercentageThreshold = 70,
                FailurePercentageRequestVolume = 10,
                MaxEjectionTimeJitter = Duration.FromTimeSpan(TimeSpan.FromSeconds(2)),
                AlwaysEjectOneHost = true,
            },
            0));

    [Fact]
    public void Nothing_is_ejected_where_nothing_is_enforced()
    {
        Assert.Null(OutlierEjection.Translate(null, 50));
        Assert.Null(OutlierEjection.Translate(new OutlierDetection { EnforcingConsecutive5Xx = 0, EnforcingSuccessRate = 0 }, 50));
    }
}
