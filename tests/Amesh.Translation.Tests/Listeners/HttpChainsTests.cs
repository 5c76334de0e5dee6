using Amesh.Apisix;
using Amesh.Translation.Filters;
using Amesh.Translation.Filters.Jwt;
using Amesh.Translation.Listeners;
using Amesh.Translation.Secrets;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Listeners;

public class HttpChainsTests
{
    [Fact]
    public void What_is_not_said_is_not_written()
    {
        // WebSocket alone is what nearly everybody allows, and so is nothing that is written.
        HttpChain chain = Translate(new HttpConnectionManager { UpgradeConfigs = { new HttpConnectionManager.Types.UpgradeConfig { UpgradeType = "WebSocket" } } });
        Assert.Equal(new HttpChain { RouteConfig = "rc" }, chain);
        Assert.Equal([], Translate(new HttpConnectionManager()).Upgrades!);
    }

    [Fact]
    public void Whose_address_counts_and_how_long_requests_may_take_is_carried()
    {
        HttpChain chain = Translate(new HttpConnectionManager
        {
            UseRemoteAddress = true,
            XffNumTrustedHops = 2,
            SkipXffAppend = true,
            RequestTimeout = new Duration { Seconds = 3 },
            CommonHttpProtocolOptions = new Envoy.Config.Core.V3.HttpProtocolOptions { IdleTimeout = new Duration { Seconds = 9 } },
        });
        Assert.Equal((true, 2u, true, 3, 9), (chain.UseRemoteAddress, chain.XffNumTrustedHops, chain.SkipXffAppend, chain.RequestTimeout, chain.IdleTimeout));
    }

    private static HttpChain Translate(HttpConnectionManager manager)
    {
        manager.Rds = new Rds { RouteConfigName = "rc" };
        return HttpChains.Translate("l", "c", manager, new JwtKeys("listener l chain c", new DataReader(), new AskedClusters()), new AskedClusters(), new DiagnosticScope("l", []))!;
    }
}
