using Amesh.Translation.Routes;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Common.Fault.V3;
using Envoy.Extensions.Filters.Http.Fault.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Fault = Amesh.Apisix.Fault;

namespace Amesh.Translation.Tests.Routes;

public class FaultsTests
{
    private static readonly FractionalPercent Half = new() { Numerator = 5000, Denominator = FractionalPercent.Types.DenominatorType.TenThousand };

    [Fact]
    public void What_the_request_asks_for_has_the_configured_share_as_its_bound()
    {
        Fault fault = Translated(new HTTPFault
        {
            Delay = new FaultDelay { HeaderDelay = new(), Percentage = Half },
            Abort = new FaultAbort { HeaderAbort = new(), Percentage = Half },
            ResponseRateLimit = new FaultRateLimit { HeaderLimit = new(), Percentage = Half },
        })!;

        Assert.Equal(new Apisix.FaultDelay(500_000) { HeaderUnit = 100 }, fault.Delay);
        Assert.Equal(new Apisix.FaultAbort(500_000) { HeaderUnit = 100 }, fault.Abort);
        Assert.Equal(new Apisix.FaultRate(500_000) { HeaderUnit = 100 }, fault.Rate);
    }

    [Fact]
    public void Its_own_conditions_are_kept()
    {
        var config = new HTTPFault { Abort = new FaultAbort { HttpStatus = 503, Percentage = Half }, MaxActiveFaults = 7 };
        config.Headers.Add(new HeaderMatcher { Name = "x-a", StringMatch = new StringMatcher { Exact = "1" } });
        config.DownstreamNodes.Add(["n1", "n2"]);

        Fault fault = Translated(config)!;

        Assert.Equal(2, fault.When!.Count);
        Assert.Equal(7u, fault.MaxActive);
    }

    [Theory]
    [InlineData("here", true)]
    [InlineData("there", false)]
    public void A_fault_for_a_cluster_is_for_routes_to_it(string cluster, bool happens)
    {
        var config = new HTTPFault { Abort = new FaultAbort { HttpStatus = 503, Percentage = Half }, UpstreamCluster = cluster };
        Assert.Equal(happens, Translated(config) is not null);
    }

    private static Fault? Translated(HTTPFault config)
    {
        var diagnostics = new List<Diagnostic>();
        Fault? fault = Faults.Translate(config, "here", new DiagnosticScope("r", diagnostics));
        Assert.Empty(diagnostics);
        return fault;
    }
}
