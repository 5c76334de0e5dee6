using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>
/// Walks the wire bytes of a message and collects what protos/ does not know. A field whose wire type is not the one that its declared type has counts
/// as unknown, too.
/// </summary>
internal sealed class UnknownFields
{
    private static readonly MessageDescriptor _any = Google.Protobuf.WellKnownTypes.Any.Descriptor;

    /// <summary>Message full name, "#", number.</summary>
    public SortedSet<string> Fields { get; } = new(StringComparer.Ordinal);

    /// <summary>Types inside google.protobuf.Any that are not known.</summary>
    public SortedSet<string> Types { get; } = new(StringComparer.Ordinal);

    public int Messages { get; private set; }

    public void Walk(MessageDescriptor type, ByteString bytes)
    {
        Messages++;
        if (type == _any)
        {
            WalkAny(Google.Protobuf.WellKnownTypes.Any.Parser.ParseFrom(bytes));
            return;
        }
        CodedInputStream input = bytes.CreateCodedInput();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            FieldDescriptor? field = type.FindFieldByNumber(WireFormat.GetTagFieldNumber(tag));
            if (field is null || !Fits(field, WireFormat.GetTagWireType(tag)))
            {
                Fields.Add($"{type.FullName}#{WireFormat.GetTagFieldNumber(tag)}");
                input.SkipLastField();
            }
            else if (field.FieldType == FieldType.Message)
            {
                Walk(field.MessageType, input.ReadBytes());
            }
            else
            {
                input.SkipLastField();
            }
        }
    }

    private void WalkAny(Google.Protobuf.WellKnownTypes.Any any)
    {
        string name = Google.Protobuf.WellKnownTypes.Any.GetTypeName(any.TypeUrl);
        if (OurProtos.Registry.Find(name) is { } type)
        {
            Walk(type, any.Value);
        }
        else
        {
            Types.Add(name);
        }
    }

    private static bool Fits(FieldDescriptor field, WireFormat.WireType wireType) => wireType == field.FieldType switch
    {
        FieldType.Message or FieldType.String or FieldType.Bytes => WireFormat.WireType.LengthDelimited,
        // IsPacked alone is true for every number of a proto3 file.
        _ when field.IsRepeated && field.IsPacked => WireFormat.WireType.LengthDelimited,
        FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64 => WireFormat.WireType.Fixed64,
        FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32 => WireFormat.WireType.Fixed32,
        _ => WireFormat.WireType.Varint,
    };
}
