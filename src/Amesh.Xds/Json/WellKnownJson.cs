using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Json;

/// <summary>The types that have a JSON form of their own.</summary>
internal static class WellKnownJson
{
    /// <summary>Writes the fields of a well-known type.</summary>
    /// <returns>False for every other type.</returns>
    public static bool TryWrite(JsonElement json, MessageDescriptor type, string path, ICollection<string> notes, CodedOutputStream output)
    {
        if (type.File.Package != "google.protobuf")
        {
            return false;
        }

        switch (type.Name)
        {
            case "Any":
                WriteAny(json, path, notes, output);
                return true;
            case "Duration":
                (long seconds, int nanos) = Duration(json, path);
                new Duration { Seconds = seconds, Nanos = nanos }.WriteTo(output);
                return true;
            case "Timestamp":
                string time = json.ValueKind == JsonValueKind.String ? json.GetString()! : throw Wrong("a time");
                if (!DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at))
                {
                    throw Wrong("a time");
                }

                Timestamp.FromDateTimeOffset(at).WriteTo(output);
                return true;
            case "FieldMask":
                string mask = json.ValueKind == JsonValueKind.String ? json.GetString()! : throw Wrong("comma-separated field names");
                new FieldMask { Paths = { mask.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(SnakeCase) } }.WriteTo(output);
                return true;
            case "Struct":
                Struct(json, path).WriteTo(output);
                return true;
            case "ListValue":
                List(json, path).WriteTo(output);
                return true;
            case "Value":
                Value(json, path).WriteTo(output);
                return true;
            case "DoubleValue" or "FloatValue" or "Int64Value" or "UInt64Value" or "Int32Value" or "UInt32Value" or "BoolValue" or "StringValue" or "BytesValue":
                WriteWrapped(type.FindFieldByNumber(1), json, path, output);
                return true;
            default:
                return false;
        }

        ProtoJsonException Wrong(string expected) => new($"{path}: {expected} was expected, not {ProtoJson.Kind(json)}");
    }

    /// <summary>A JSON object as a <c>google.protobuf.Struct</c>.</summary>
    public static Struct Struct(JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new ProtoJsonException($"{path}: an object was expected, not {ProtoJson.Kind(json)}");
        }

        var message = new Struct();
        foreach (JsonProperty property in json.EnumerateObject().OrderBy(property => property.Name, StringComparer.Ordinal))
        {
            message.Fields[property.Name] = Value(property.Value, $"{path}.{property.Name}");
        }

        return message;
    }

    private static ListValue List(JsonElement json, string path) => json.ValueKind == JsonValueKind.Array
        ? new ListValue { Values = { json.EnumerateArray().Select(item => Value(item, path)) } }
        : throw new ProtoJsonException($"{path}: a list was expected, not {ProtoJson.Kind(json)}");

    private static Value Value(JsonElement json, string path) => json.ValueKind switch
    {
        JsonValueKind.Object => new Value { StructValue = Struct(json, path) },
        JsonValueKind.Array => new Value { ListValue = List(json, path) },
        JsonValueKind.String => new Value { StringValue = json.GetString() },
        JsonValueKind.Number => new Value { NumberValue = json.GetDouble() },
        JsonValueKind.True or JsonValueKind.False => new Value { BoolValue = json.GetBoolean() },
        _ => new Value { NullValue = NullValue.NullValue },
    };

    private static void WriteAny(JsonElement json, string path, ICollection<string> notes, CodedOutputStream output)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("@type", out JsonElement typeJson) || typeJson.ValueKind != JsonValueKind.String)
        {
            throw new ProtoJsonException($"{path}: an object with \"@type\" was expected");
        }

        string typeUrl = typeJson.GetString()!;
        byte[] value = [];
        if (KnownTypes.Find(typeUrl) is { } type)
        {
            var bytes = new MemoryStream();
            var inner = new CodedOutputStream(bytes);
            bool hasOwnForm = type.File.Package == "google.protobuf" && type.Name != "Empty";
            if (hasOwnForm && json.TryGetProperty("value", out JsonElement own))
            {
                TryWrite(own, type, $"{path}.value", notes, inner);
            }
            else
            {
                ProtoJson.WriteFields(json, type, path, notes, inner, skip: "@type");
            }

            inner.Flush();
            value = bytes.ToArray();
        }
        else
        {
            notes.Add($"{path}: {typeUrl} is not known here; its content is left out");
        }

        new Any { TypeUrl = typeUrl, Value = UnsafeByteOperations.UnsafeWrap(value) }.WriteTo(output);
    }

    private static void WriteWrapped(FieldDescriptor field, JsonElement json, string path, CodedOutputStream output)
    {
        (bool isDefault, Action<CodedOutputStream> write) = ScalarJson.Read(field, json, path);
        if (!isDefault)
        {
            output.WriteTag(1, ScalarJson.WireTypeOf(field.FieldType));
            write(output);
        }
    }

    private static (long Seconds, int Nanos) Duration(JsonElement json, string path)
    {
        if (json.ValueKind == JsonValueKind.String && json.GetString() is [.. var digits, 's']
            && decimal.TryParse(digits, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds)
            && Math.Abs(seconds) <= 315_576_000_000m)
        {
            decimal whole = Math.Truncate(seconds);
            return ((long)whole, (int)((seconds - whole) * 1_000_000_000m));
        }

        throw new ProtoJsonException($"{path}: a duration such as \"1.5s\" was expected, not {ProtoJson.Kind(json)}");
    }

    private static string SnakeCase(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterUpper(c) ? "_" + char.ToLowerInvariant(c) : c.ToString()));
}
