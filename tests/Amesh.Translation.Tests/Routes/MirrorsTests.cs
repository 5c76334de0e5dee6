using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Core.V3;
using Envoy.Type.V3;
using MirrorPolicy = Envoy.Config.Route.V3.RouteAction.Types.RequestMirrorPolicy;

namespace Amesh.Translation.Tests.Routes;

public class MirrorsTests
{
    private readonly List<Diagnostic> _told = [];

    [Fact]
    public void Every_request_is_mirrored_unless_a_share_is_said()
    {
        var clusters = new HashSet<string>();
        var half = new RuntimeFractionalPercent { DefaultValue = new FractionalPercent { Numerator = 50 } };

        IReadOnlyList<Mirror> mirrors = Mirrors.Translate(
            [new MirrorPolicy { Cluster = "a" }, new MirrorPolicy { Cluster = "b", RuntimeFraction = half, DisableShadowHostSuffixAppend = true }],
            clusters,
            new DiagnosticScope("r", _told))!;

        Assert.Equal([new Mirror(ObjectId.From("a"), 1_000_000), new Mirror(ObjectId.From("b"), 500_000) { KeepHost = true }], mirrors);
        Assert.Equal(["a", "b"], clusters.Order());
        Assert.Empty(_told);
    }

    [Fact]
    public void A_cluster_that_a_header_names_is_told()
    {
        Assert.Null(Mirrors.Translate([new MirrorPolicy { ClusterHeader = "x" }], new HashSet<string>(), new DiagnosticScope("r", _told)));
        Assert.Single(_told);
    }
}
