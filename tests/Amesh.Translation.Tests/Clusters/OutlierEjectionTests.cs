using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Clusters;

public class OutlierEjectionTests
{
    [Fact]
    public void Envoys_defaults_hold_where_nothing_is_said() =>
        Assert.Equal("5xx=5,interval=10,base=30,max=300,percent=10,panic=50", OutlierEjection.Translate(new OutlierDetection(), 50));

    [Fact]
    public void All_settings_are_carried() => Assert.Equal(
        "5xx=3,gateway=2@50,local=7,interval=5,base=400.5,max=400.5,percent=60,panic=0",
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
            },
            0));

    [Fact]
    public void Nothing_is_ejected_where_nothing_is_enforced()
    {
        Assert.Null(OutlierEjection.Translate(null, 50));
        Assert.Null(OutlierEjection.Translate(new OutlierDetection { EnforcingConsecutive5Xx = 0 }, 50));
    }
}
