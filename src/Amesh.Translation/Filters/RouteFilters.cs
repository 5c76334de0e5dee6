using Amesh.Apisix;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using EnvoyClusters = Envoy.Config.Route.V3.WeightedCluster;

namespace Amesh.Translation.Filters;

/// <summary>What routes, virtual hosts and route configurations say of a chain's filters, by the filters' names.</summary>
internal static class RouteFilters
{
    /// <param name="levels">From the most specific to the least; for each filter the first that names it counts.</param>
    /// <param name="diagnostics">Where to tell what is not done.</param>
    /// <returns>Null where nothing is said.</returns>
    public static IReadOnlyDictionary<string, FilterOverride>? Of(ReadOnlySpan<MapField<string, Any>> levels, DiagnosticScope diagnostics)
    {
        SortedDictionary<string, FilterOverride>? overrides = null;
        HashSet<string>? seen = null;
        foreach (MapField<string, Any> level in levels)
        {
            foreach ((string name, Any config) in level)
            {
                if ((seen ??= new(StringComparer.Ordinal)).Add(name)
                    && One(name, config, diagnostics.At($"typed_per_filter_config[{name}]")) is { } translated)
                {
                    (overrides ??= new(StringComparer.Ordinal))[name] = translated;
                }
            }
        }

        return overrides;
    }

    /// <summary>The same where one of several clusters says something: which one it will be is not known when filters are asked.</summary>
    public static IReadOnlyDictionary<string, FilterOverride>? WithClusters(
        IReadOnlyDictionary<string, FilterOverride>? overrides, EnvoyClusters? clusters, DiagnosticScope diagnostics)
    {
        SortedDictionary<string, FilterOverride>? all = null;
        foreach (string name in clusters?.Clusters.SelectMany(cluster => cluster.TypedPerFilterConfig).Where(entry => Decides(entry.Value)).Select(entry => entry.Key) ?? [])
        {
            all ??= new(overrides?.ToDictionary() ?? [], StringComparer.Ordinal);
            all[name] = FilterOverride.Of(ChainFilters.Refused(name, "one of several clusters says something of it", diagnostics.At($"typed_per_filter_config[{name}]")));
        }

        return all ?? overrides;
    }

    private static bool Decides(Any config)
    {
        string type = Any.GetTypeName(config.TypeUrl);
        return type == FilterConfig.Descriptor.FullName || ChainFilters.HttpKinds.Any(kind => kind.RouteMessage == type);
    }

    // Null for filters of other kinds.
    private static FilterOverride? One(string name, Any config, DiagnosticScope diagnostics)
    {
        string type = Any.GetTypeName(config.TypeUrl);
        try
        {
            if (type == FilterConfig.Descriptor.FullName)
            {
                // Whichever kind the filter is of: the chain knows.
                FilterConfig wrapper = config.Unpack<FilterConfig>();
                return wrapper.Disabled ? FilterOverride.Off
                    : wrapper.Config is { TypeUrl.Length: > 0 } inner ? One(name, inner, diagnostics)
                    : FilterOverride.On;
            }

            foreach (IFilterKind kind in ChainFilters.HttpKinds)
            {
                if (type == kind.RouteMessage)
                {
                    return kind.TranslateRoute(name, config, diagnostics);
                }
            }
        }
        catch (InvalidProtocolBufferException)
        {
            return FilterOverride.Of(ChainFilters.Refused(name, "what the route says of it cannot be read", diagnostics));
        }

        return null;
    }
}
