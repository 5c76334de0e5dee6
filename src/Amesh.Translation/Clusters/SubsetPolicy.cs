using Google.Protobuf.WellKnownTypes;
using LbSubsetConfig = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig;
using Fallback = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig.Types.LbSubsetFallbackPolicy;
using Selector = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig.Types.LbSubsetSelector;
using SelectorFallback = Envoy.Config.Cluster.V3.Cluster.Types.LbSubsetConfig.Types.LbSubsetSelector.Types.LbSubsetSelectorFallbackPolicy;

namespace Amesh.Translation.Clusters;

/// <summary>How a cluster's endpoints are chosen by their metadata.</summary>
/// <remarks>Source: Envoy's documentation of lb_subset_config and its SubsetLoadBalancer.</remarks>
/// <param name="Config">As it came; it is small.</param>
internal sealed record SubsetPolicy(LbSubsetConfig Config)
{
    /// <summary>Null where nothing is chosen by metadata, which is so without selectors, whatever else is said.</summary>
    public static SubsetPolicy? Of(LbSubsetConfig? config) => config is null || config.SubsetSelectors.Count == 0 ? null : new SubsetPolicy(config);

    /// <summary>Whether endpoints are chosen by what a route asks for. If not, it is as if it asked for nothing.</summary>
    public bool Knows(string marks) => SelectorFor(marks) is not null;

    /// <summary>The endpoints that requests go to.</summary>
    /// <param name="all">All of the cluster.</param>
    /// <param name="marks">The <see cref="LbMarks"/> that the route asks for; empty for none.</param>
    public Assignment Choose(Assignment all, string marks)
    {
        if (SelectorFor(marks) is { } selector)
        {
            // Whether the endpoints are healthy does not matter: a subset of sick ones is a subset.
            Assignment subset = With(all, marks);
            if (subset.Groups.Length > 0)
            {
                return subset;
            }

            switch (selector.FallbackPolicy)
            {
                case SelectorFallback.NoFallback:
                    return None(all);
                case SelectorFallback.AnyEndpoint:
                    return all;
                case SelectorFallback.DefaultSubset:
                    return With(all, LbMarks.Of(Config.DefaultSubset));
                case SelectorFallback.KeysSubset:
                    string fewer = LbMarks.Only(marks, selector.FallbackKeysSubset);

                    // Envoy refuses a cluster where they are not fewer.
                    return fewer.Length < marks.Length ? Choose(all, fewer) : None(all);
            }
        }

        if (Config.FallbackPolicy == Fallback.NoFallback)
        {
            return None(all);
        }

        Assignment fallback = Config.FallbackPolicy == Fallback.DefaultSubset ? With(all, LbMarks.Of(Config.DefaultSubset)) : all;
        return fallback.Groups.Length == 0 && Config.PanicModeAny ? all : fallback;
    }

    // The keys of a selector and those that are asked for must be the same.
    private Selector? SelectorFor(string marks)
    {
        if (marks.Length == 0)
        {
            return null;
        }

        var keys = LbMarks.Read(marks).Select(mark => mark.Key).ToHashSet();
        return Config.SubsetSelectors.FirstOrDefault(selector => keys.SetEquals(selector.Keys));
    }

    private static Assignment None(Assignment all) => all with { Groups = [] };

    private Assignment With(Assignment all, string marks)
    {
        (string Key, Value Value)[] wanted = [.. LbMarks.Read(marks)];
        return all with
        {
            Groups = [.. all.Groups
                .Select(group => Scaled(group, [.. group.Endpoints.Where(endpoint => Has(endpoint, wanted))]))
                .Where(group => group.Endpoints.Length > 0)],
        };
    }

    private EndpointGroup Scaled(EndpointGroup group, Endpoint[] endpoints) => group with
    {
        Endpoints = endpoints,
        LocalityWeight = Config.ScaleLocalityWeight && group.LocalityWeight is { } weight && group.Endpoints.Length > 0
            ? Math.Max(1, (uint)Math.Round((double)weight * endpoints.Length / group.Endpoints.Length))
            : group.LocalityWeight,
    };

    private bool Has(Endpoint endpoint, (string Key, Value Value)[] wanted)
    {
        if (wanted.Length == 0)
        {
            return true;
        }

        var marks = LbMarks.Read(endpoint.LbMarks).ToDictionary(mark => mark.Key, mark => mark.Value);
        return wanted.All(mark => marks.TryGetValue(mark.Key, out Value? value)
            && (value.Equals(mark.Value) || (Config.ListAsAny && value.ListValue is { } list && list.Values.Contains(mark.Value))));
    }
}
