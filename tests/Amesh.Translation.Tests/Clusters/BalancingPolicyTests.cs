using Amesh.Translation.Clusters;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.LoadBalancingPolicies.Common.V3;
using Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3;
using Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3;
using Envoy.Extensions.LoadBalancingPolicies.WrrLocality.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Tests.Clusters;

public class BalancingPolicyTests
{
    private readonly List<Diagnostic> _told = [];

    [Theory]
    [InlineData(Cluster.Types.LbPolicy.RoundRobin, "roundrobin")]
    [InlineData(Cluster.Types.LbPolicy.LeastRequest, "amesh_least_request")]
    [InlineData(Cluster.Types.LbPolicy.Random, "amesh_random")]
    [InlineData(Cluster.Types.LbPolicy.Maglev, "amesh_hash")]
    public void Policies_of_the_old_form(Cluster.Types.LbPolicy policy, string type) =>
        Assert.Equal(new BalancingPolicy(type), Of(new Cluster { LbPolicy = policy }));

    [Fact]
    public void The_new_form_goes_before_the_old_one_and_its_first_known_policy_counts()
    {
        var cluster = new Cluster
        {
            LbPolicy = Cluster.Types.LbPolicy.Maglev,
            LoadBalancingPolicy = Policies(new Struct(), new WrrLocality { EndpointPickingPolicy = Policies(new LeastRequest { ChoiceCount = 5 }) }, new RoundRobin()),
        };

        Assert.Equal(new BalancingPolicy("amesh_least_request", LocalityWeighted: true) { Settings = "choices=5" }, Of(cluster));
        Assert.Empty(_told);
    }

    [Fact]
    public void A_list_without_a_known_policy_is_told()
    {
        Assert.Equal("amesh_random", Of(new Cluster { LoadBalancingPolicy = Policies(new Struct()) }).Type);
        Assert.Single(_told);
    }

    [Fact]
    public void Policies_within_policies_end_somewhere()
    {
        LoadBalancingPolicy policy = Policies(new RoundRobin());
        for (int i = 0; i < 100; i++)
        {
            policy = Policies(new WrrLocality { EndpointPickingPolicy = policy });
        }

        Assert.Equal("amesh_random", Of(new Cluster { LoadBalancingPolicy = policy }).Type);
        Assert.Single(_told);
    }

    [Fact]
    public void Slow_start_and_bias_go_into_the_label()
    {
        var leastRequest = new LeastRequest
        {
            ActiveRequestBias = new RuntimeDouble { DefaultValue = 0.5 },
            SlowStartConfig = new SlowStartConfig { SlowStartWindow = Duration.FromTimeSpan(TimeSpan.FromSeconds(30)) },
        };

        Assert.Equal("bias=0.5,window=30,aggression=1,min=10", Of(new Cluster { LoadBalancingPolicy = Policies(leastRequest) }).Settings);
    }

    private BalancingPolicy Of(Cluster cluster) => BalancingPolicy.Of(cluster, new DiagnosticScope("cluster c", _told));

    private static LoadBalancingPolicy Policies(params IMessage[] configs) => new()
    {
        Policies =
        {
            configs.Select(config => new LoadBalancingPolicy.Types.Policy { TypedExtensionConfig = new TypedExtensionConfig { TypedConfig = Any.Pack(config) } }),
        },
    };
}
