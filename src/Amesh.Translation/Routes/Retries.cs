using Amesh.Apisix;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Retry.Host.PreviousHosts.V3;
using Google.Protobuf.Collections;
using ResetHeader = Amesh.Apisix.ResetHeader;

namespace Amesh.Translation.Routes;

/// <summary>Envoy's RetryPolicy.</summary>
internal static class Retries
{
    // Envoy: the longest back-off is ten times the base where only the base is given.
    private const double MaxOverBase = 10;

    // Envoy's default for RateLimitedRetryBackOff.max_interval.
    private const double MaxRateLimited = 300;

    // nginx goes back to a request's location so often; see lua/apisix/amesh/attempts.lua.
    private const uint MaxForAnswers = 8;

    public static Retry? Translate(RetryPolicy? policy, DiagnosticScope diagnostics)
    {
        if (policy is null || policy.RetryOn.Length == 0)
        {
            return null;
        }

        if (policy.NumRetries > MaxForAnswers)
        {
            diagnostics.Near("num_retries", $"after {MaxForAnswers} further tries there is another only for connections that fail");
        }

        double? interval = Durations.Limit(policy.RetryBackOff?.BaseInterval);
        var retry = new Retry
        {
            On = policy.RetryOn.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            Statuses = policy.RetriableStatusCodes.Count == 0 ? null : policy.RetriableStatusCodes,
            Num = policy.NumRetries ?? 1,
            PerTryTimeout = Durations.Limit(policy.PerTryTimeout),
            PerTryIdleTimeout = Durations.Limit(policy.PerTryIdleTimeout),
            PreviousHosts = policy.RetryHostPredicate.Any(IsPreviousHosts) ? true : null,
            HostAttempts = policy.HostSelectionRetryMaxAttempts == 0 ? null : policy.HostSelectionRetryMaxAttempts,
            Headers = AnyOf(policy.RetriableHeaders, diagnostics.At("retriable_headers")),
            RequestHeaders = AnyOf(policy.RetriableRequestHeaders, diagnostics.At("retriable_request_headers")),
            RateLimited = policy.RateLimitedRetryBackOff is { } limited
                ? new RateLimitedRetry(
                    [.. limited.ResetHeaders.Select(HeaderOf)], Durations.Limit(limited.MaxInterval) ?? MaxRateLimited)
                : null,
        };
        return interval is { } seconds
            ? retry with { BaseInterval = seconds, MaxInterval = Durations.Limit(policy.RetryBackOff!.MaxInterval) ?? (MaxOverBase * seconds) }
            : retry;
    }

    // Older control planes give the extension's name alone.
    private static bool IsPreviousHosts(RetryPolicy.Types.RetryHostPredicate predicate) =>
        predicate.TypedConfig?.Is(PreviousHostsPredicate.Descriptor) ?? predicate.Name.EndsWith("previous_hosts", StringComparison.Ordinal);

    private static ResetHeader HeaderOf(RetryPolicy.Types.ResetHeader header) => new(
        header.Name.ToLowerInvariant(),
        header.Format == RetryPolicy.Types.ResetHeaderFormat.UnixTimestamp ? "unix_timestamp" : "seconds");

    private static List<Predicate>? AnyOf(RepeatedField<HeaderMatcher> matchers, DiagnosticScope diagnostics)
    {
        var conditions = new List<Predicate>();
        for (int i = 0; i < matchers.Count; i++)
        {
            if (RouteMatching.HeaderCondition(matchers[i], diagnostics.At($"[{i}]")) is { } condition)
            {
                conditions.Add(condition);
            }
        }

        return conditions.Count == 0 ? null : [Predicate.AnyOf(conditions)];
    }
}
