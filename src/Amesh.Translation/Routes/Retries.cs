using Amesh.Apisix;
using Envoy.Config.Route.V3;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's RetryPolicy.</summary>
internal static class Retries
{
    // Envoy: the longest back-off is ten times the base where only the base is given.
    private const double MaxOverBase = 10;

    public static Retry? Translate(RetryPolicy? policy)
    {
        if (policy is null || policy.RetryOn.Length == 0)
        {
            return null;
        }

        double? interval = Durations.Limit(policy.RetryBackOff?.BaseInterval);
        var retry = new Retry
        {
            On = policy.RetryOn.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            Statuses = policy.RetriableStatusCodes.Count == 0 ? null : policy.RetriableStatusCodes,
            Num = policy.NumRetries ?? 1,
            PerTryTimeout = Durations.Limit(policy.PerTryTimeout),
            PerTryIdleTimeout = Durations.Limit(policy.PerTryIdleTimeout),
            PreviousHosts = policy.RetryHostPredicate.Any(p => p.Name.EndsWith("previous_hosts", StringComparison.Ordinal)) ? true : null,
            HostAttempts = policy.HostSelectionRetryMaxAttempts == 0 ? null : policy.HostSelectionRetryMaxAttempts,
        };
        return interval is { } seconds
            ? retry with { BaseInterval = seconds, MaxInterval = Durations.Limit(policy.RetryBackOff!.MaxInterval) ?? (MaxOverBase * seconds) }
            : retry;
    }
}
