using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using static Google.Protobuf.WireFormat;

namespace Amesh.Xds.Json;

/// <summary>
/// proto3 JSON to the wire format, by descriptors alone. Google.Protobuf's own JsonParser sets properties by reflection, fails on
/// a type it does not know anywhere inside, and says nothing about where it was; here fields and types that our trimmed
/// definitions do not have are noted and left out, and errors tell the path. Fields are written in the order of their numbers, so
/// that equal JSON gives equal bytes whatever the order of its keys.
/// </summary>
internal static class ProtoJson
{
    /// <summary>Encodes one message.</summary>
    /// <param name="json">A JSON object (or what the well-known types use instead of one).</param>
    /// <param name="type">The message's type.</param>
    /// <param name="path">What errors and notes begin with.</param>
    /// <param name="notes">Takes a line for each field or type that is not known and was left out.</param>
    /// <exception cref="ProtoJsonException">The JSON does not fit the type.</exception>
    public static byte[] Encode(JsonElement json, MessageDescriptor type, string path, ICollection<string> notes)
    {
        var bytes = new MemoryStream();
        var output = new CodedOutputStream(bytes);
        if (!WellKnownJson.TryWrite(json, type, path, notes, output))
        {
            WriteFields(json, type, path, notes, output, null);
        }

        output.Flush();
        return bytes.ToArray();
    }

    /// <summary>As <see cref="Encode"/>, for an object with a key that is no field (<c>@type</c>).</summary>
    public static byte[] EncodeFields(JsonElement json, MessageDescriptor type, string path, ICollection<string> notes, string skip)
    {
        var bytes = new MemoryStream();
        var output = new CodedOutputStream(bytes);
        WriteFields(json, type, path, notes, output, skip);
        output.Flush();
        return bytes.ToArray();
    }

    /// <summary>Writes the fields of an object; <paramref name="skip"/> is a key that is none (<c>@type</c>).</summary>
    public static void WriteFields(JsonElement json, MessageDescriptor type, string path, ICollection<string> notes, CodedOutputStream output, string? skip)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new ProtoJsonException($"{path}: an object of type {type.FullName} was expected, not {Kind(json)}");
        }

        var values = new SortedList<int, (FieldDescriptor Field, JsonElement Value, string Path)>();
        var oneofs = new Dictionary<OneofDescriptor, string>();
        foreach (JsonProperty property in json.EnumerateObject())
        {
            if (property.Name == skip)
            {
                continue;
            }

            string at = $"{path}.{property.Name}";
            FieldDescriptor? field = Find(type, property.Name);
            if (field is null)
            {
                notes.Add($"{at}: {type.FullName} has no such field, or none that is used here; left out");
                continue;
            }

            if (property.Value.ValueKind == JsonValueKind.Null && field is not { FieldType: FieldType.Message, MessageType.FullName: "google.protobuf.Value" })
            {
                continue;
            }

            if (field.RealContainingOneof is { } oneof && !oneofs.TryAdd(oneof, property.Name))
            {
                throw new ProtoJsonException($"{at}: cannot be set beside {oneofs[oneof]}");
            }

            if (!values.TryAdd(field.FieldNumber, (field, property.Value, at)))
            {
                throw new ProtoJsonException($"{at}: set twice");
            }
        }

        foreach ((FieldDescriptor field, JsonElement value, string at) in values.Values)
        {
            WriteField(field, value, at, notes, output);
        }
    }

    /// <summary>What a JSON value is called in an error.</summary>
    public static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => $"the text \"{(json.GetString() is { Length: > 40 } text ? text[..40] + "…" : json.GetString())}\"",
        JsonValueKind.Number => $"the number {json.GetRawText()}",
        JsonValueKind.True or JsonValueKind.False => json.GetRawText(),
        _ => "null",
    };

    private static FieldDescriptor? Find(MessageDescriptor type, string name)
    {
        foreach (FieldDescriptor field in type.Fields.InDeclarationOrder())
        {
            if (field.JsonName == name || field.Name == name)
            {
                return field;
            }
        }

        return null;
    }

    private static void WriteField(FieldDescriptor field, JsonElement value, string path, ICollection<string> notes, CodedOutputStream output)
    {
        if (field.IsMap)
        {
            WriteMap(field, value, path, notes, output);
            return;
        }

        if (!field.IsRepeated)
        {
            WriteOne(field, value, path, notes, output, field.HasPresence);
            return;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw new ProtoJsonException($"{path}: a list was expected, not {Kind(value)}");
        }

        // The descriptor calls every repeated field of proto3 packed, also of messages and text.
        if (field.IsPacked && field.FieldType is not (FieldType.Message or FieldType.String or FieldType.Bytes))
        {
            var packed = new MemoryStream();
            var inner = new CodedOutputStream(packed);
            int place = 0;
            foreach (JsonElement item in value.EnumerateArray())
            {
                ScalarJson.Read(field, item, $"{path}[{place++}]").Write(inner);
            }

            inner.Flush();
            if (packed.Length > 0)
            {
                output.WriteTag(field.FieldNumber, WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(packed.GetBuffer().AsSpan(0, (int)packed.Length)));
            }

            return;
        }

        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            WriteOne(field, item, $"{path}[{index++}]", notes, output, always: true);
        }
    }

    private static void WriteMap(FieldDescriptor field, JsonElement value, string path, ICollection<string> notes, CodedOutputStream output)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw new ProtoJsonException($"{path}: an object was expected, not {Kind(value)}");
        }

        FieldDescriptor keyField = field.MessageType.FindFieldByNumber(1), valueField = field.MessageType.FindFieldByNumber(2);
        foreach (JsonProperty entry in value.EnumerateObject().OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            var bytes = new MemoryStream();
            var inner = new CodedOutputStream(bytes);
            string at = $"{path}[{entry.Name}]";
            using (JsonDocument key = JsonDocument.Parse($"\"{JsonEncodedText.Encode(entry.Name)}\""))
            {
                WriteOne(keyField, key.RootElement, at, notes, inner, always: true);
            }

            WriteOne(valueField, entry.Value, at, notes, inner, always: true);
            inner.Flush();
            output.WriteTag(field.FieldNumber, WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
        }
    }

    private static void WriteOne(FieldDescriptor field, JsonElement value, string path, ICollection<string> notes, CodedOutputStream output, bool always)
    {
        if (field.FieldType is FieldType.Message)
        {
            byte[] message = Encode(value, field.MessageType, path, notes);
            output.WriteTag(field.FieldNumber, WireType.LengthDelimited);
            output.WriteBytes(UnsafeByteOperations.UnsafeWrap(message));
            return;
        }

        (bool isDefault, Action<CodedOutputStream> write) = ScalarJson.Read(field, value, path);
        if (!isDefault || always)
        {
            output.WriteTag(field.FieldNumber, ScalarJson.WireTypeOf(field.FieldType));
            write(output);
        }
    }
}
