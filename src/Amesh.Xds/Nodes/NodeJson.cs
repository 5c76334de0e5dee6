using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Envoy.Config.Core.V3;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Nodes;

/// <summary>Writes a node as the JSON that <see cref="NodeIdentity.FromJson"/> reads.</summary>
public static class NodeJson
{
    /// <summary>The node's id, cluster, metadata, locality and user agent; indented.</summary>
    public static string Write(Node node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("id", node.Id);
            Text(json, "cluster", node.Cluster);
            if (node.Metadata is { } metadata)
            {
                json.WritePropertyName("metadata");
                Write(json, metadata);
            }

            if (node.Locality is { } locality)
            {
                json.WriteStartObject("locality");
                Text(json, "region", locality.Region);
                Text(json, "zone", locality.Zone);
                Text(json, "sub_zone", locality.SubZone);
                json.WriteEndObject();
            }

            Text(json, "user_agent_name", node.UserAgentName);
            Text(json, "user_agent_version", node.UserAgentVersion);
            if (node.UserAgentBuildVersion is { } build)
            {
                json.WriteStartObject("user_agent_build_version");
                if (build.Version is { } version)
                {
                    json.WriteStartObject("version");
                    json.WriteNumber("major_number", version.MajorNumber);
                    json.WriteNumber("minor_number", version.MinorNumber);
                    json.WriteNumber("patch", version.Patch);
                    json.WriteEndObject();
                }

                if (build.Metadata is { } details)
                {
                    json.WritePropertyName("metadata");
                    Write(json, details);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void Text(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
        {
            json.WriteString(name, value);
        }
    }

    private static void Write(Utf8JsonWriter json, Struct value)
    {
        json.WriteStartObject();
        foreach ((string name, Value member) in value.Fields.OrderBy(field => field.Key, StringComparer.Ordinal))
        {
            json.WritePropertyName(name);
            Write(json, member);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Value value)
    {
        switch (value.KindCase)
        {
            case Value.KindOneofCase.StructValue:
                Write(json, value.StructValue);
                break;
            case Value.KindOneofCase.ListValue:
                json.WriteStartArray();
                foreach (Value item in value.ListValue.Values)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case Value.KindOneofCase.StringValue:
                json.WriteStringValue(value.StringValue);
                break;
            case Value.KindOneofCase.NumberValue:
                json.WriteNumberValue(value.NumberValue);
                break;
            case Value.KindOneofCase.BoolValue:
                json.WriteBooleanValue(value.BoolValue);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }
}
