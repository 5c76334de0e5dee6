using Google.Protobuf.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>What native-tests/protos/upstream.mjs prints.</summary>
internal sealed record UpstreamFacts(
    IReadOnlyList<string> Missing,
    IReadOnlyDictionary<string, MessageFacts> Messages,
    IReadOnlyDictionary<string, EnumFacts> Enums);

internal sealed record MessageFacts(string File, IReadOnlyList<FieldFacts> Fields);

internal sealed record EnumFacts(string File, IReadOnlyDictionary<string, int> Values);

/// <summary>One field. <paramref name="Label"/> is singular, optional, repeated or map; a map's type is "KEY,VALUE".</summary>
internal sealed record FieldFacts(string Name, int Number, string Type, string Label, string? Oneof)
{
    public static FieldFacts Of(FieldDescriptor field)
    {
        bool optional = field.ToProto().Proto3Optional;
        string label = field.IsMap ? "map" : field.IsRepeated ? "repeated" : optional ? "optional" : "singular";
        string type = field.IsMap
            ? $"{TypeName(field.MessageType.FindFieldByNumber(1))},{TypeName(field.MessageType.FindFieldByNumber(2))}"
            : TypeName(field);
        return new FieldFacts(field.Name, field.FieldNumber, type, label, optional ? null : field.RealContainingOneof?.Name);
    }

    private static string TypeName(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => field.MessageType.FullName,
        FieldType.Enum => field.EnumType.FullName,
        // FieldType's names without case are the names of the .proto language.
        _ => field.FieldType.ToString().ToLowerInvariant(),
    };
}
