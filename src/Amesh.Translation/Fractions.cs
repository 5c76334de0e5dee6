using Envoy.Type.V3;

namespace Amesh.Translation;

/// <summary>Shares as parts per million, the finest that Envoy knows.</summary>
internal static class Fractions
{
    public const long All = 1_000_000;

    public static long Ppm(FractionalPercent? percent) => percent is null ? 0 : Math.Min(All, percent.Numerator * Unit(percent));

    /// <summary>How many parts per million one of the numerator is.</summary>
    public static long Unit(FractionalPercent? percent) => percent?.Denominator switch
    {
        FractionalPercent.Types.DenominatorType.Million => 1,
        FractionalPercent.Types.DenominatorType.TenThousand => 100,
        _ => 10_000,
    };
}
