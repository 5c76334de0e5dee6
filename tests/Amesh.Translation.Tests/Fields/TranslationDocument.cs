using System.Text;
using Amesh.Protos.Tests;
using Amesh.Translation.Fields;
using Google.Protobuf.Reflection;

namespace Amesh.Translation.Tests.Fields;

/// <summary>Renders docs/translation.md from the declared tables.</summary>
internal static class TranslationDocument
{
    private const string TableHead = "| Envoy | Treatment | APISIX | Note |\n|---|---|---|---|\n";

    private static readonly Dictionary<string, MessageDescriptor> _messages = OurProtos.Messages.ToDictionary(message => message.FullName);

    public static string Path { get; } = System.IO.Path.Combine(Repository.Root, "docs", "translation.md");

    public static string Render()
    {
        var text = new StringBuilder(
            """
            # What becomes of Envoy's configuration

            Generated from `src/Amesh.Translation/Fields`; a test fails when the two differ. To write it anew:
            `AMESH_WRITE_DOCS=1 dotnet test tests/Amesh.Translation.Tests --filter TranslationDocument`.

            | Treatment | Meaning |
            |---|---|
            | exact | as Envoy does it |
            | near | nearly; the note says how it differs, and a diagnostic tells it |
            | not yet | left out, told by a diagnostic |
            | refused | left out for good, told by a diagnostic |
            | inert | nothing to do: it has no effect on requests |

            Inside a field that is not done, nothing is done. Fields of Envoy's that are not on this page are not translated yet, and a diagnostic tells them,
            too, where a control plane sends them. Single values may be told even though their field is exact: the translator says so where it stands.
            "objects" of APISIX are `routes`, `upstreams` and so on; `listeners` and `virtual_hosts` are Amesh's own kinds, `plugins.amesh` its plugin.

            """);
        foreach (Concept concept in FieldTreatments.Concepts)
        {
            text.Append($"\n## {concept.Title}\n\n{TableHead}");
            foreach (MessageTreatments message in concept.Messages)
            {
                Append(text, message);
            }
        }

        text.Append($"\n## Extensions\n\nBy the type inside `google.protobuf.Any`; names of filters do not matter.\n\n{TableHead}");
        foreach (Extension extension in Extensions.All)
        {
            Row(text, extension.Type, extension.Treatment);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, MessageTreatments message)
    {
        foreach ((string field, FieldTreatment treatment) in message)
        {
            Row(text, $"{message.Message}.{field}", treatment);
            foreach ((string key, FieldTreatment special) in treatment.Keys)
            {
                Row(text, $"{message.Message}.{field}[{key}]", special);
            }
        }

        if (message.Others is { } others)
        {
            Row(text, $"{message.Message}.*", others);
            return;
        }

        var rest = _messages[message.Message].Fields.InDeclarationOrder().Select(field => field.Name)
            .Except(message.Select(field => field.Key)).ToList();
        if (rest.Count > 0)
        {
            Row(text, $"{message.Message}.*", FieldTreatment.Default with { Note = $"the others: {string.Join(", ", rest.Select(name => $"`{name}`"))}" });
        }
    }

    private static void Row(StringBuilder text, string name, FieldTreatment treatment)
    {
        string except = treatment.Except.Count == 0 ? "" : $" (except {string.Join(", ", treatment.Except.Select(value => value.Text))})";
        text.Append($"| `{name}` | {Label(treatment.Kind)}{except} | {Code(treatment.By)} | {treatment.Note} |\n");
    }

    private static string Code(string by) => by.Length == 0 ? "" : $"`{by}`";

    private static string Label(TreatmentKind kind) => kind == TreatmentKind.NotYet ? "not yet" : kind.ToString().ToLowerInvariant();
}
