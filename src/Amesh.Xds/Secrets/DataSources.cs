using System.Text;
using Envoy.Config.Core.V3;

namespace Amesh.Xds.Secrets;

/// <summary>What a <see cref="DataSource"/> holds.</summary>
public static class DataSources
{
    /// <summary>Whether there is a source at all.</summary>
    public static bool IsGiven(DataSource? source) => source is not null && source.SpecifierCase != DataSource.SpecifierOneofCase.None;

    /// <summary>The text that is written in it; null where it stands elsewhere.</summary>
    public static string? Inline(DataSource? source) => source?.SpecifierCase switch
    {
        DataSource.SpecifierOneofCase.InlineString => source.InlineString,
        DataSource.SpecifierOneofCase.InlineBytes => Encoding.UTF8.GetString(source.InlineBytes.Span),
        _ => null,
    };
}
