using System.Globalization;
using Envoy.Config.Cluster.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Clusters;

/// <summary>Envoy's outlier detection by consecutive errors, in the form that lua/apisix/amesh/outlier.lua reads.</summary>
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
        return string.Join(',', settings);
    }

    private static IEnumerable<string> Limit(string name, uint? errors, uint? enforced, uint enforcedByDefault) => (errors ?? Errors, enforced ?? enforcedByDefault) switch
    {
        (0, _) or (_, 0) => [],
        (uint limit, >= 100) => [Setting(name, limit)],
        (uint limit, uint share) => [string.Create(CultureInfo.InvariantCulture, $"{name}={limit}@{share}")],
    };

    private static string Setting(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");

    private static double Seconds(Duration? duration, double byDefault) => duration is null ? byDefault : Durations.Seconds(duration);
}
