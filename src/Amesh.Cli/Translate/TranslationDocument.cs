using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amesh.Apisix;
using Amesh.Translation;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Amesh.Cli.Translate;

/// <summary>A translation as a document: the objects by key, secrets as they may be shown, and the diagnostics.</summary>
internal static class TranslationDocument
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Of(Translator translator)
    {
        var objects = new JsonObject();
        foreach (ConfigObject value in translator.Objects)
        {
            objects.Add(value.Key.ToString(), Redaction.Of(value.Key, value.Json.Span));
        }

        var diagnostics = new JsonArray();
        foreach (Diagnostic diagnostic in translator.Diagnostics.OrderBy(d => d.ToString(), StringComparer.Ordinal))
        {
            var entry = new JsonObject
            {
                ["severity"] = diagnostic.Severity switch { Severity.Near => "near", Severity.NotYet => "not_yet", _ => "refused" },
                ["resource"] = diagnostic.Resource,
                ["field"] = diagnostic.Field,
                ["message"] = diagnostic.Message,
            };
            if (diagnostic.Origin is { } origin)
            {
                entry.Add("origin", origin);
            }

            diagnostics.Add((JsonNode)entry);
        }

        return new JsonObject { ["objects"] = objects, ["diagnostics"] = diagnostics };
    }

    public static void WriteJson(JsonObject document, TextWriter output) => output.WriteLine(document.ToJsonString(Readable));

    public static void WriteYaml(JsonObject document, TextWriter output) =>
        new YamlStream(new YamlDocument(ToYaml(document))).Save(output, assignAnchors: false);

    private static YamlNode ToYaml(JsonNode? node) => node switch
    {
        JsonObject members => new YamlMappingNode(members.SelectMany(m => new[] { Text(m.Key), ToYaml(m.Value) })),
        JsonArray items => new YamlSequenceNode(items.Select(ToYaml)),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Text(value.GetValue<string>()),
        null => new YamlScalarNode("null"),
        _ => new YamlScalarNode(node.ToJsonString()),
    };

    // Quoted where a reader would take it for a number, a truth value or a sign of YAML's.
    private static YamlScalarNode Text(string text) =>
        new(text) { Style = text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(IsPlain) && !IsWord(text) ? ScalarStyle.Plain : ScalarStyle.DoubleQuoted };

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/';

    private static bool IsWord(string text) => text.ToLowerInvariant() is "true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n";
}
