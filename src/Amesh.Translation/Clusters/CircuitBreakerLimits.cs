using System.Text.Json.Nodes;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Thresholds = Envoy.Config.Cluster.V3.CircuitBreakers.Types.Thresholds;

namespace Amesh.Translation.Clusters;

/// <summary>A cluster's circuit breakers, in the form that lua/apisix/amesh/circuit.lua reads.</summary>
/// <remarks>
/// A label of the upstream carries them. Envoy's own defaults (1,024 connections, pending requests and requests, three
/// retries) hold only beside a limit that somebody has set: counting costs, and nobody who sets nothing waits for them.
/// </remarks>
internal static class CircuitBreakerLimits
{
    /// <summary>The label.</summary>
    public const string Label = "amesh_circuit_breaker";

    private const uint DefaultLimit = 1024;
    private const uint DefaultRetries = 3;
    private const double DefaultBudget = 20;

    /// <summary>The label's value; null where there is nothing to limit.</summary>
    public static string? Translate(CircuitBreakers? breakers)
    {
        JsonObject limits = Of(breakers, RoutingPriority.Default);
        JsonObject high = Of(breakers, RoutingPriority.High);
        if (high.Count > 0)
        {
            limits["high"] = high;
        }

        return limits.Count == 0 ? null : limits.ToJsonString();
    }

    private static JsonObject Of(CircuitBreakers? breakers, RoutingPriority priority)
    {
        var limits = new JsonObject();
        if (breakers?.Thresholds.FirstOrDefault(t => t.Priority == priority) is not { } thresholds || IsAtDefaults(thresholds))
        {
            return limits;
        }

        Set(limits, "max_connections", thresholds.MaxConnections ?? DefaultLimit);
        Set(limits, "max_pending", thresholds.MaxPendingRequests ?? DefaultLimit);
        Set(limits, "max_requests", thresholds.MaxRequests ?? DefaultLimit);
        if (thresholds.RetryBudget is { } budget)
        {
            limits["retry_budget"] = budget.BudgetPercent?.Value ?? DefaultBudget;
            limits["min_retries"] = budget.MinRetryConcurrency ?? DefaultRetries;
        }
        else
        {
            Set(limits, "max_retries", thresholds.MaxRetries ?? DefaultRetries);
        }

        return limits;
    }

    private static bool IsAtDefaults(Thresholds thresholds) =>
        thresholds.RetryBudget is null
        && thresholds.MaxConnections is null or DefaultLimit or uint.MaxValue
        && thresholds.MaxPendingRequests is null or DefaultLimit or uint.MaxValue
        && thresholds.MaxRequests is null or DefaultLimit or uint.MaxValue
        && thresholds.MaxRetries is null or DefaultRetries or uint.MaxValue;

    // What cannot be reached is no limit.
    private static void Set(JsonObject limits, string name, uint limit)
    {
        if (limit < int.MaxValue)
        {
            limits[name] = limit;
        }
    }
}
