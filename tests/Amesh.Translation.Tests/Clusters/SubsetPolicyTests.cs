using Amesh.Translation.Clusters;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;
using Fallback = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig.Types.LbSubsetFallbackPolicy;
using LbSubsetConfig = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig;
using Selector = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig.Types.LbSubsetSelector;
using SelectorFallback = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig.Types.LbSubsetSelector.Types.LbSubsetSelectorFallbackPolicy;

namespace Amesh.Translation.Tests.Clusters;

public class SubsetPolicyTests
{
    // As in Envoy's documentation of load balancer subsets.
    private static readonly Assignment _all = new(
    [
        new EndpointGroup(0, 10, [At("e1", ("stage", "prod"), ("version", "1.0")), At("e2", ("stage", "prod"), ("version", "1.0"))]),
        new EndpointGroup(0, 10, [At("e3", ("stage", "prod"), ("version", "1.1")), At("e4", ("stage", "dev"), ("version", "1.2-pre"))]),
    ]);

    [Fact]
    public void The_keys_of_a_selector_must_be_those_that_are_asked_for()
    {
        LbSubsetConfig config = Config(Fallback.AnyEndpoint, Keys("stage", "version"), Keys("stage"));
        Assert.Equal(["e1", "e2", "e3"], Chosen(config, ("stage", "prod")));
        Assert.Equal(["e3"], Chosen(config, ("version", "1.1"), ("stage", "prod")));
        Assert.Equal(["e1", "e2", "e3", "e4"], Chosen(config, ("version", "1.1")));

        config = Config(Fallback.AnyEndpoint, Keys("stage"));
        Assert.Equal(["e1", "e2", "e3", "e4"], Chosen(config, ("version", "1.1"), ("stage", "prod")));
    }

    [Theory]
    [InlineData(Fallback.NoFallback, "")]
    [InlineData(Fallback.AnyEndpoint, "e1 e2 e3 e4")]
    [InlineData(Fallback.DefaultSubset, "e4")]
    public void What_asks_for_nothing_or_for_what_no_endpoint_has_gets_what_the_policy_says(Fallback policy, string endpoints)
    {
        LbSubsetConfig config = Config(policy, Keys("stage"));
        config.DefaultSubset = Values(("stage", "dev"));
        Assert.Equal(endpoints, string.Join(' ', Chosen(config)));
        Assert.Equal(endpoints, string.Join(' ', Chosen(config, ("stage", "test"))));
    }

    [Theory]
    [InlineData(SelectorFallback.NotDefined, "e1 e2 e3 e4")]
    [InlineData(SelectorFallback.NoFallback, "")]
    [InlineData(SelectorFallback.DefaultSubset, "e4")]
    [InlineData(SelectorFallback.KeysSubset, "e1 e2 e3")]
    public void A_selector_may_have_a_policy_of_its_own(SelectorFallback policy, string endpoints)
    {
        Selector selector = Keys("stage", "version");
        selector.FallbackPolicy = policy;
        selector.FallbackKeysSubset.Add("stage");
        LbSubsetConfig config = Config(Fallback.AnyEndpoint, selector, Keys("stage"));
        config.DefaultSubset = Values(("stage", "dev"));
        Assert.Equal(endpoints, string.Join(' ', Chosen(config, ("stage", "prod"), ("version", "9"))));
    }

    [Fact]
    public void An_empty_default_subset_is_all_endpoints_and_one_that_nobody_is_in_is_none_unless_panic_is_allowed()
    {
        LbSubsetConfig config = Config(Fallback.DefaultSubset, Keys("stage"));
        Assert.Equal(4, Chosen(config).Length);

        config.DefaultSubset = Values(("stage", "test"));
        Assert.Empty(Chosen(config));

        config.PanicModeAny = true;
        Assert.Equal(4, Chosen(config).Length);
    }

    [Fact]
    public void A_list_is_one_value_unless_each_of_it_counts()
    {
        var list = new Endpoint("e", 80, 1)
        {
            LbMarks = LbMarks.Of(new Struct { Fields = { ["v"] = Value.ForList(Value.ForString("1"), Value.ForNumber(2)) } }),
        };
        var all = new Assignment([new EndpointGroup(0, null, [list])]);
        string one = LbMarks.Of(Values(("v", "1")));
        LbSubsetConfig config = Config(Fallback.NoFallback, Keys("v"));
        Assert.Empty(new SubsetPolicy(config).Choose(all, one).Groups);

        config.ListAsAny = true;
        Assert.Single(new SubsetPolicy(config).Choose(all, one).Groups);
        Assert.Empty(new SubsetPolicy(config).Choose(all, LbMarks.Of(Values(("v", "2")))).Groups);
    }

    [Fact]
    public void Shares_of_localities_may_shrink_with_their_endpoints()
    {
        LbSubsetConfig config = Config(Fallback.NoFallback, Keys("stage"));
        Assert.Equal([10u, 10u], new SubsetPolicy(config).Choose(_all, LbMarks.Of(Values(("stage", "prod")))).Groups.Select(g => g.LocalityWeight));

        config.ScaleLocalityWeight = true;
        Assert.Equal([10u, 5u], new SubsetPolicy(config).Choose(_all, LbMarks.Of(Values(("stage", "prod")))).Groups.Select(g => g.LocalityWeight));
    }

    [Fact]
    public void A_share_never_shrinks_to_nothing()
    {
        LbSubsetConfig config = Config(Fallback.NoFallback, Keys("stage"));
        config.ScaleLocalityWeight = true;
        var all = new Assignment([new EndpointGroup(0, 1, [At("e1", ("stage", "prod")), At("e2", ("stage", "dev")), At("e3", ("stage", "dev"))])]);
        Assert.Equal(1u, Assert.Single(new SubsetPolicy(config).Choose(all, LbMarks.Of(Values(("stage", "prod")))).Groups).LocalityWeight);
    }

    [Fact]
    public void Without_selectors_nothing_is_chosen_by_metadata() =>
        Assert.Null(SubsetPolicy.Of(new LbSubsetConfig { FallbackPolicy = Fallback.DefaultSubset, DefaultSubset = Values(("stage", "dev")) }));

    [Fact]
    public void A_later_place_has_the_last_word_on_a_key()
    {
        Metadata route = new() { FilterMetadata = { ["envoy.lb"] = Values(("a", "1"), ("b", "1")), ["other"] = Values(("c", "1")) } };
        Metadata cluster = new() { FilterMetadata = { ["envoy.lb"] = Values(("b", "2")) } };
        Assert.Equal(LbMarks.Of(Values(("b", "2"), ("a", "1"))), LbMarks.Of(route, cluster));
        Assert.Equal("a=1 b=2", LbMarks.Readable(LbMarks.Of(route, cluster)));
        Assert.Equal("", LbMarks.Of(null, new Metadata()));
    }

    private static string[] Chosen(LbSubsetConfig config, params (string, string)[] wanted) =>
        [.. new SubsetPolicy(config).Choose(_all, LbMarks.Of(Values(wanted))).Groups.SelectMany(g => g.Endpoints).Select(e => e.Host)];

    private static LbSubsetConfig Config(Fallback fallback, params Selector[] selectors) => new() { FallbackPolicy = fallback, SubsetSelectors = { selectors } };

    private static Selector Keys(params string[] keys) => new() { Keys = { keys } };

    private static Endpoint At(string host, params (string, string)[] marks) => new(host, 80, 1) { LbMarks = LbMarks.Of(Values(marks)) };

    private static Struct Values(params (string Key, string Value)[] fields)
    {
        var result = new Struct();
        foreach ((string key, string value) in fields)
        {
            result.Fields[key] = Value.ForString(value);
        }

        return result;
    }
}
