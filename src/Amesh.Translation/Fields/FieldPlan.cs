using System.Collections.Concurrent;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Fields;

/// <summary>What a walk has to know of a field's contents.</summary>
internal enum ContentKind
{
    /// <summary>Nothing inside: numbers, texts, and the well-known types.</summary>
    Leaf,
    Message,
    Any,
    Map,
}

/// <summary>What a walk has to know of one field.</summary>
/// <param name="descriptor">The field.</param>
/// <param name="counter">The index of the counter that numbers its elements; -1 where it has none.</param>
internal sealed class FieldPlan(FieldDescriptor descriptor, int counter)
{
    public string Name { get; } = descriptor.Name;

    public int Counter { get; } = counter;

    public FieldTreatment Treatment { get; } = FieldTreatments.Of(descriptor.ContainingType.FullName, descriptor.Name);

    public ContentKind Content { get; } = ContentOf(descriptor);

    /// <summary>The plan of the message inside. Made at first use: messages can contain themselves.</summary>
    public MessagePlan Inner => _inner ??= MessagePlan.Of(descriptor.MessageType);

    private MessagePlan? _inner;

    private static ContentKind ContentOf(FieldDescriptor field)
    {
        if (field.FieldType != FieldType.Message)
        {
            return ContentKind.Leaf;
        }

        if (field.IsMap)
        {
            return ContentKind.Map;
        }

        return field.MessageType == Any.Descriptor ? ContentKind.Any
            : field.MessageType.File.Package == "google.protobuf" ? ContentKind.Leaf
            : ContentKind.Message;
    }
}

/// <summary>What a walk has to know of one message, worked out once: a walk then looks at nothing but the bytes and this.</summary>
internal sealed class MessagePlan
{
    private static readonly ConcurrentDictionary<MessageDescriptor, MessagePlan> _plans = new();

    private readonly FieldPlan?[] _byNumber;

    private MessagePlan(MessageDescriptor type)
    {
        Name = type.FullName;
        IList<FieldDescriptor> fields = type.Fields.InFieldNumberOrder();
        _byNumber = new FieldPlan?[fields.Count == 0 ? 0 : fields[^1].FieldNumber + 1];
        foreach (FieldDescriptor field in fields)
        {
            _byNumber[field.FieldNumber] = new FieldPlan(field, field.IsRepeated && !field.IsMap ? Counters++ : -1);
        }
    }

    public string Name { get; }

    /// <summary>How many repeated fields there are.</summary>
    public int Counters { get; }

    public static MessagePlan Of(MessageDescriptor type) => _plans.GetOrAdd(type, static key => new MessagePlan(key));

    /// <summary>Null for a number that is not known.</summary>
    public FieldPlan? Field(uint number) => number < (uint)_byNumber.Length ? _byNumber[number] : null;
}
