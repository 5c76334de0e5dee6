using Amesh.Translation.Fields;

namespace Amesh.Translation.Tests.Fields;

public sealed class TranslationDocumentTests
{
    [Fact]
    public void The_page_is_what_the_code_declares()
    {
        string rendered = TranslationDocument.Render();
        if (Environment.GetEnvironmentVariable("AMESH_WRITE_DOCS") == "1")
        {
            File.WriteAllText(TranslationDocument.Path, rendered);
        }

        Assert.True(
            File.Exists(TranslationDocument.Path) && File.ReadAllText(TranslationDocument.Path) == rendered,
            "docs/translation.md is not what the code declares; write it with AMESH_WRITE_DOCS=1 dotnet test --filter TranslationDocument");
    }

    [Fact]
    public void Every_recorded_field_is_on_the_page()
    {
        string page = File.ReadAllText(TranslationDocument.Path);
        var missing = RecordedFields.All.Where(finding => !IsOn(page, finding)).Select(finding => $"{finding.Message}.{finding.Field}");
        Assert.Empty(missing);
    }

    // The row of a message's "other" fields names each of them, so that a field that nobody has looked at would pass: it must not.
    private static bool IsOn(string page, FieldFinding finding) =>
        finding.Field.Length == 0 ? page.Contains($"| `{finding.Message}` |", StringComparison.Ordinal)
        : page.Contains($"| `{finding.Message}.{finding.Field}` |", StringComparison.Ordinal)
            || (FieldTreatments.IsDeclared(finding.Message, finding.Field) && page.Contains($"| `{finding.Message}.*` |", StringComparison.Ordinal));
}
