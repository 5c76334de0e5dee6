using System.Globalization;
using Envoy.Config.Cluster.V3;
using Envoy.Extensions.LoadBalancingPolicies.Common.V3;
using Envoy.Extensions.LoadBalancingPolicies.LeastRequest.V3;
using Envoy.Extensions.LoadBalancingPolicies.Maglev.V3;
using Envoy.Extensions.LoadBalancingPolicies.RingHash.V3;
using Envoy.Extensions.LoadBalancingPolicies.RoundRobin.V3;
using Envoy.Extensions.LoadBalancingPolicies.WrrLocality.V3;
using Google.Protobuf.WellKnownTypes;
using EnvoyPolicy = Envoy.Config.Cluster.V3.Cluster.Types.LbPolicy;

namespace Amesh.Translation.Clusters;

/// <summary>Envoy's load balancing policies as APISIX's balancers.</summary>
/// <remarks>
/// APISIX's least_conn keeps a heap and takes its head, so requests that come one after another all go to one endpoint;
/// Envoy draws two and takes the less busy one. Hence a balancer of ours where Envoy draws lots.
/// </remarks>
/// <param name="Type">The upstream's.</param>
/// <param name="LocalityWeighted">Whether a locality is drawn first, by its weight.</param>
internal sealed record BalancingPolicy(string Type, bool LocalityWeighted = false)
{
    /// <summary>The label with what the balancer must know besides.</summary>
    public const string Label = "amesh_balancing";

    private const string LeastRequestType = "amesh_least_request";
    private const string RandomType = "amesh_random";
    private const string HashType = "amesh_hash";

    // Policies within policies: protobuf's own limit counts anew in each Any, and what is nested deep enough ends the process.
    private const int MaxDepth = 16;

    // Envoy's defaults.
    private const uint Choices = 2;
    private const double Bias = 1;
    private const double Aggression = 1;
    private const double MinWeightPercent = 10;

    public static BalancingPolicy RoundRobin { get; } = new("roundrobin");

    /// <summary>Whether one key always goes to one endpoint.</summary>
    public bool IsHash => Type == HashType;

    /// <summary>The label's value, for example <c>choices=3,bias=0.5</c>; null where Envoy's defaults hold.</summary>
    public string? Settings { get; init; }

    public static BalancingPolicy Of(Cluster cluster, DiagnosticScope diagnostics)
    {
        if (cluster.LoadBalancingPolicy is { } policy)
        {
            return FirstOf(policy, diagnostics.At("load_balancing_policy"));
        }

        BalancingPolicy plain = OfEnum(cluster, diagnostics);
        return cluster.CommonLbConfig?.LocalityWeightedLbConfig is null ? plain : plain with { LocalityWeighted = true };
    }

    private static BalancingPolicy OfEnum(Cluster cluster, DiagnosticScope diagnostics)
    {
        switch (cluster.LbPolicy)
        {
            case EnvoyPolicy.RoundRobin or EnvoyPolicy.ClusterProvided:
                return TakingTurns(SlowStart(cluster.RoundRobinLbConfig?.SlowStartConfig));
            case EnvoyPolicy.LeastRequest:
                Cluster.Types.LeastRequestLbConfig? config = cluster.LeastRequestLbConfig;
                return LeastBusy(config?.ChoiceCount, config?.ActiveRequestBias?.DefaultValue, SlowStart(config?.SlowStartConfig));
            case EnvoyPolicy.Random:
                return new BalancingPolicy(RandomType);
            case EnvoyPolicy.RingHash or EnvoyPolicy.Maglev:
                return new BalancingPolicy(HashType);
            default:
                diagnostics.NotYet("lb_policy", "endpoints are drawn at random");
                return new BalancingPolicy(RandomType);
        }
    }

    // The first policy of the list that is known is the one that counts, as in Envoy.
    private static BalancingPolicy FirstOf(LoadBalancingPolicy list, DiagnosticScope diagnostics, int depth = 0)
    {
        for (int i = 0; i < list.Policies.Count && depth < MaxDepth; i++)
        {
            if (list.Policies[i].TypedExtensionConfig?.TypedConfig is { } config && OfConfig(config, diagnostics.At($"policies[{i}]"), depth) is { } policy)
            {
                return policy;
            }
        }

        diagnostics.NotYet("", "none of these policies is known; endpoints are drawn at random");
        return new BalancingPolicy(RandomType);
    }

    private static BalancingPolicy? OfConfig(Any config, DiagnosticScope diagnostics, int depth)
    {
        if (config.TryUnpack(out RoundRobin roundRobin))
        {
            return TakingTurns(SlowStart(roundRobin.SlowStartConfig)) with { LocalityWeighted = IsWeighted(roundRobin.LocalityLbConfig) };
        }

        if (config.TryUnpack(out LeastRequest leastRequest))
        {
            if (leastRequest.SelectionMethod == LeastRequest.Types.SelectionMethod.FullScan)
            {
                diagnostics.Near("selection_method", "as many endpoints as there are, at most 100, are drawn and the least busy one is taken");
                leastRequest.ChoiceCount = 100;
            }

            return LeastBusy(leastRequest.ChoiceCount, leastRequest.ActiveRequestBias?.DefaultValue, SlowStart(leastRequest.SlowStartConfig))
                with { LocalityWeighted = IsWeighted(leastRequest.LocalityLbConfig) };
        }

        if (config.TryUnpack(out Envoy.Extensions.LoadBalancingPolicies.Random.V3.Random random))
        {
            return new BalancingPolicy(RandomType, IsWeighted(random.LocalityLbConfig));
        }

        if (config.TryUnpack(out RingHash ring))
        {
            return new BalancingPolicy(HashType, ring.LocalityWeightedLbConfig is not null);
        }

        if (config.TryUnpack(out Maglev maglev))
        {
            return new BalancingPolicy(HashType, maglev.LocalityWeightedLbConfig is not null);
        }

        return config.TryUnpack(out WrrLocality locality) && locality.EndpointPickingPolicy is { } inner
            ? FirstOf(inner, diagnostics.At("endpoint_picking_policy"), depth + 1) with { LocalityWeighted = true }
            : null;
    }

    private static bool IsWeighted(LocalityLbConfig? config) => config?.LocalityWeightedLbConfig is not null;

    // APISIX's own balancer knows no slow start; where endpoints must take turns and start slowly, they are drawn.
    private static BalancingPolicy TakingTurns(string? slowStart) =>
        slowStart is null ? RoundRobin : new BalancingPolicy(RandomType) { Settings = slowStart };

    private static BalancingPolicy LeastBusy(uint? choices, double? bias, string? slowStart)
    {
        List<string> settings = [];
        if (choices is { } count && count != Choices)
        {
            settings.Add(Setting("choices", Math.Max(count, Choices)));
        }

        if (bias is { } value && value != Bias)
        {
            settings.Add(Setting("bias", Math.Max(value, 0)));
        }

        if (slowStart is not null)
        {
            settings.Add(slowStart);
        }

        return new BalancingPolicy(LeastRequestType) { Settings = settings.Count == 0 ? null : string.Join(',', settings) };
    }

    private static string? SlowStart(Cluster.Types.SlowStartConfig? config) =>
        SlowStart(config?.SlowStartWindow, config?.Aggression?.DefaultValue, config?.MinWeightPercent?.Value);

    private static string? SlowStart(SlowStartConfig? config) =>
        SlowStart(config?.SlowStartWindow, config?.Aggression?.DefaultValue, config?.MinWeightPercent?.Value);

    private static string? SlowStart(Duration? window, double? aggression, double? minWeight) => Durations.Limit(window) is { } seconds
        ? string.Join(',', Setting("window", seconds), Setting("aggression", aggression ?? Aggression), Setting("min", minWeight ?? MinWeightPercent))
        : null;

    private static string Setting(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
}
