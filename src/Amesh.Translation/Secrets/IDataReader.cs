using Amesh.Xds.Secrets;
using Envoy.Config.Core.V3;

namespace Amesh.Translation.Secrets;

/// <summary>Reads what Envoy writes as a DataSource.</summary>
internal interface IDataReader
{
    /// <summary>The text; null, and a diagnostic, where there is none.</summary>
    string? Read(DataSource? source, DiagnosticScope diagnostics);
}

/// <summary>Reads what is written in the source itself.</summary>
internal sealed class InlineData : IDataReader
{
    public string? Read(DataSource? source, DiagnosticScope diagnostics)
    {
        string? text = DataSources.Inline(source);
        if (text is null)
        {
            diagnostics.Refused("", DataSources.IsGiven(source) ? "only what is written in the source is read" : "missing");
        }

        return text;
    }
}
