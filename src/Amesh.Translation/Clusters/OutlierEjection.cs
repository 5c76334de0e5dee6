using System.Globalization;
using Envoy.Config.Cluster.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Clusters;

/// <summary>Envoy's outlier detection, in the form that lua/apisix/amesh/outlier.lua reads.</summary>
/// <remarks>
/// A label of the upstream carries it: APISIX's schema of upstreams knows no other place, and its passive health checks
/// count something else and need active ones beside them.
/// </remarks>
internal static class OutlierEjection
{
    /// <summary>The label.</summary>
    public const string Label = "amesh_outlier_detection";

    // Envoy's defaults.
    private const uint Errors = 5;
    private const double Interval = 10;
    private const double BaseEjectionTime = 30;
    private const double MaxEjectionTime = 300;
    private const uint MaxEjectionPercent = 10;
    private const uint StdevFactor = 1900;
    private const uint FailurePercentage = 85;

    /// <summary>The label's value; null where nothing is ever ejected.</summary>
    public static string? Translate(OutlierDetection? detection, double panicThreshold)
    {
        if (detection is null)
        {
            return null;
        }

        List<string> settings =
        [
            .. Limit("5xx", detection.Consecutive5Xx, detection.EnforcingConsecutive5Xx, 100),
            .. Limit("gateway", detection.ConsecutiveGatewayFailure, detection.EnforcingConsecutiveGatewayFailure, 0),
        ];
        if (detection.SplitExternalLocalOriginErrors)
        {
            settings.AddRange(Limit("local", detection.ConsecutiveLocalOriginFailure, detection.EnforcingConsecutiveLocalOriginFailure, 100));
        }

        settings.AddRange(Rates(detection));

        if (settings.Count == 0)
        {
            return null;
        }

        double ejection = Seconds(detection.BaseEjectionTime, BaseEjectionTime);
        settings.Add(Setting("interval", Seconds(detection.Interval, Interval)));
        settings.Add(Setting("base", ejection));
        settings.Add(Setting("max", Math.Max(ejection, Seconds(detection.MaxEjectionTime, MaxEjectionTime))));
        settings.Add(Setting("percent", detection.MaxEjectionPercent ?? MaxEjectionPercent));
        settings.Add(Setting("panic", panicThreshold));
        if (detection.SplitExternalLocalOriginErrors)
        {
            settings.Add(Setting("split", 1));
        }

        if (detection.MaxEjectionTimeJitter is { } jitter && Durations.Seconds(jitter) > 0)
        {
            settings.Add(Setting("jitter", Durations.Seconds(jitter)));
        }

        if (detection.AlwaysEjectOneHost == true)
        {
            settings.Add(Setting("one", 1));
        }

        return string.Join(',', settings);
    }

    private static IEnumerable<string> Limit(string name, uint? errors, uint? enforced, uint enforcedByDefault) => (errors ?? Errors, enforced ?? enforcedByDefault) switch
    {
        (0, _) or (_, 0) => [],
        (uint limit, >= 100) => [Setting(name, limit)],
        (uint limit, uint share) => [string.Create(CultureInfo.InvariantCulture, $"{name}={limit}@{share}")],
    };

    // Defaults that the reader knows as well are left out: a label has 256 characters.
    private static IEnumerable<string> Rates(OutlierDetection detection)
    {
        bool split = detection.SplitExternalLocalOriginErrors;
        uint rate = detection.EnforcingSuccessRate ?? 100;
        uint localRate = split ? detection.EnforcingLocalOriginSuccessRate ?? 100 : 0;
        if (rate > 0 || localRate > 0)
        {
            yield return Enforced("rate", (detection.SuccessRateStdevFactor ?? StdevFactor) / 1000.0, rate);
            foreach (string setting in Unless("rate_hosts", detection.SuccessRateMinimumHosts, 5)
                .Concat(Unless("rate_requests", detection.SuccessRateRequestVolume, 100))
                .Concat(Unless("local_rate", localRate, 0)))
            {
                yield return setting;
            }
        }

        uint failures = detection.EnforcingFailurePercentage ?? 0;
        uint localFailures = split ? detection.EnforcingFailurePercentageLocalOrigin ?? 0 : 0;
        if (failures > 0 || localFailures > 0)
        {
            yield return Enforced("failures", detection.FailurePercentageThreshold ?? FailurePercentage, failures);
            foreach (string setting in Unless("failure_hosts", detection.FailurePercentageMinimumHosts, 5)
                .Concat(Unless("failure_requests", detection.FailurePercentageRequestVolume, 50))
                .Concat(Unless("local_failures", localFailures, 0)))
            {
                yield return setting;
            }
        }
    }

    private static string Enforced(string name, double value, uint share) =>
        share >= 100 ? Setting(name, value) : string.Create(CultureInfo.InvariantCulture, $"{name}={value}@{share}");

    private static IEnumerable<string> Unless(string name, uint? value, uint byDefault) =>
        value is null || value == byDefault ? [] : [Setting(name, value.Value)];

    private static string Setting(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");

    private static double Seconds(Duration? duration, double byDefault) => duration is null ? byDefault : Durations.Seconds(duration);
}
