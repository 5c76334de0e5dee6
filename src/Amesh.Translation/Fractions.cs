using Envoy.Type.V3;

namespace Amesh.Translation;

/// <summary>Shares as parts per million, the finest that Envoy knows.</summary>
internal static class Fractions
{
    public const long All = 1_000_000;

    public static long Ppm(FractionalPercent? percent) => percent is null ? 0 : Math.Min(All, percent.Numerator * (percent.Denominator switch
    {
        FractionalPercent.Types.DenominatorType.Million => 1L,
        FractionalPercent.Types.DenominatorType.TenThousand => 100L,
        _ => 10_000L,
    }));
}
