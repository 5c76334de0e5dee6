using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation;

/// <summary>Protobuf's durations as seconds.</summary>
internal static class Durations
{
    /// <summary>
    /// "No time limit" for nginx, which wants a number above 0: a day. Envoy has no limit between two reads of its own.
    /// </summary>
    public const double Unlimited = 86400;

    /// <summary>Seconds with fractions.</summary>
    public static double Seconds(Duration duration) => duration.Seconds + (duration.Nanos / 1e9);

    /// <summary>Seconds, or null for "none", which Envoy writes as 0.</summary>
    public static double? Limit(Duration? duration) => duration is null || Seconds(duration) <= 0 ? null : Seconds(duration);
}
