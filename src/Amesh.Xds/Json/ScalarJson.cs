using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using static Google.Protobuf.WireFormat;

namespace Amesh.Xds.Json;

/// <summary>Numbers, text, bytes and enumerations in proto3 JSON.</summary>
internal static class ScalarJson
{
    public static WireType WireTypeOf(FieldType type) => type switch
    {
        FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64 => WireType.Fixed64,
        FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32 => WireType.Fixed32,
        FieldType.String or FieldType.Bytes => WireType.LengthDelimited,
        _ => WireType.Varint,
    };

    /// <summary>Reads a value.</summary>
    /// <returns>
    /// Whether it is the type's default, which fields without presence do not send, and what writes it without its tag.
    /// </returns>
    /// <exception cref="ProtoJsonException">The value does not fit the type.</exception>
    public static (bool IsDefault, Action<CodedOutputStream> Write) Read(FieldDescriptor field, JsonElement value, string path)
    {
        switch (field.FieldType)
        {
            case FieldType.String:
                string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong("text");
                return (text.Length == 0, output => output.WriteString(text));
            case FieldType.Bytes:
                byte[] bytes = value.ValueKind == JsonValueKind.String ? Base64(value.GetString()!) : throw Wrong("base64");
                return (bytes.Length == 0, output => output.WriteBytes(UnsafeByteOperations.UnsafeWrap(bytes)));
            case FieldType.Bool:
                bool flag = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
                    : value.ValueKind == JsonValueKind.String && bool.TryParse(value.GetString(), out bool parsed) ? parsed
                    : throw Wrong("true or false");
                return (!flag, output => output.WriteBool(flag));
            case FieldType.Enum:
                int number = Enumeration();
                return (number == 0, output => output.WriteEnum(number));
            case FieldType.Double:
                double d = Real();
                return (d == 0, output => output.WriteDouble(d));
            case FieldType.Float:
                float f = (float)Real();
                return (f == 0, output => output.WriteFloat(f));
            default:
                return Integer();
        }

        (bool IsDefault, Action<CodedOutputStream> Write) Integer()
        {
            decimal whole = Whole();
            try
            {
                return (whole == 0, Writer(field.FieldType, whole));
            }
            catch (OverflowException)
            {
                throw Wrong($"a number that fits {field.FieldType}");
            }
        }

        decimal Whole()
        {
            string raw = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            return decimal.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal whole) && whole == Math.Truncate(whole)
                ? whole : throw Wrong("a whole number");
        }

        double Real() => value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) => number,
            _ => throw Wrong("a number"),
        };

        int Enumeration()
        {
            if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number))
            {
                return number;
            }

            string name = value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong("the name of a value");
            return field.EnumType.FindValueByName(name)?.Number ?? throw new ProtoJsonException(
                $"{path}: {field.EnumType.FullName} has no value {name}; there are: {string.Join(", ", field.EnumType.Values.Select(one => one.Name))}");
        }

        byte[] Base64(string encoded)
        {
            string standard = encoded.Replace('-', '+').Replace('_', '/').TrimEnd('=');
            try
            {
                return Convert.FromBase64String(standard.PadRight((standard.Length + 3) / 4 * 4, '='));
            }
            catch (FormatException)
            {
                throw Wrong("base64");
            }
        }

        ProtoJsonException Wrong(string expected) => new($"{path}: {expected} was expected, not {ProtoJson.Kind(value)}");
    }

    private static Action<CodedOutputStream> Writer(FieldType type, decimal whole)
    {
        int i32 = type is FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 ? checked((int)whole) : 0;
        uint u32 = type is FieldType.UInt32 or FieldType.Fixed32 ? checked((uint)whole) : 0;
        long i64 = type is FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 ? checked((long)whole) : 0;
        ulong u64 = type is FieldType.UInt64 or FieldType.Fixed64 ? checked((ulong)whole) : 0;
        return type switch
        {
            FieldType.Int32 => output => output.WriteInt32(i32),
            FieldType.SInt32 => output => output.WriteSInt32(i32),
            FieldType.SFixed32 => output => output.WriteSFixed32(i32),
            FieldType.UInt32 => output => output.WriteUInt32(u32),
            FieldType.Fixed32 => output => output.WriteFixed32(u32),
            FieldType.Int64 => output => output.WriteInt64(i64),
            FieldType.SInt64 => output => output.WriteSInt64(i64),
            FieldType.SFixed64 => output => output.WriteSFixed64(i64),
            FieldType.UInt64 => output => output.WriteUInt64(u64),
            FieldType.Fixed64 => output => output.WriteFixed64(u64),
            _ => throw new ProtoJsonException($"fields of kind {type} are not read"),
        };
    }
}
