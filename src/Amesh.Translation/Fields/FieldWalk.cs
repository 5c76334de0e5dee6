using System.Globalization;
using System.Text;
using Google.Protobuf.Reflection;

namespace Amesh.Translation.Fields;

/// <summary>One walk over one message. Used by one thread, once.</summary>
internal sealed class FieldWalk(string rootPath, bool everything)
{
    // Protobuf's own limit.
    private const int MaxDepth = 100;

    private static readonly FieldTreatment _unknownField = FieldTreatment.NotYet("a field that Amesh does not know; it is left out");
    private static readonly FieldTreatment _struct = FieldTreatment.NotYet("written as a TypedStruct, which nothing reads yet; it is left out");
    private static readonly FieldTreatment _broken = FieldTreatment.Refused("bytes that cannot be decoded; it is left out");

    private readonly List<FieldFinding> _findings = [];
    private readonly HashSet<(string Message, string Field)> _told = [];
    private readonly List<Step> _path = [];

    public IReadOnlyList<FieldFinding> Over(MessageDescriptor type, ReadOnlySpan<byte> bytes)
    {
        Message(MessagePlan.Of(type), bytes);
        return _findings;
    }

    private void Message(MessagePlan plan, ReadOnlySpan<byte> bytes)
    {
        if (_path.Count > MaxDepth)
        {
            Tell(plan.Name, "", _broken);
            return;
        }

        Span<int> counters = stackalloc int[plan.Counters];
        var reader = new WireReader(bytes);
        while (reader.Next(out uint number, out ReadOnlySpan<byte> payload, out bool isDelimited))
        {
            if (plan.Field(number) is not { } field)
            {
                string name = number.ToString(CultureInfo.InvariantCulture);
                _path.Add(new Step(name));
                Tell(plan.Name, name, _unknownField);
                _path.RemoveAt(_path.Count - 1);
                continue;
            }

            int index = field.Counter < 0 ? -1 : counters[field.Counter]++;
            if (field.Treatment.IsTold || everything || field.Content != ContentKind.Leaf)
            {
                _path.Add(new Step(field.Name, index));
                Field(plan, field, payload, isDelimited);
                _path.RemoveAt(_path.Count - 1);
            }
        }

        if (reader.IsBroken)
        {
            Tell(plan.Name, "", _broken);
        }
    }

    private void Field(MessagePlan plan, FieldPlan field, ReadOnlySpan<byte> payload, bool isDelimited)
    {
        if ((field.Treatment.IsTold && !field.Treatment.Excepts(payload)) || everything)
        {
            Tell(plan.Name, field.Name, field.Treatment);
        }

        bool isOpen = field.Treatment.IsOpen || everything;
        if (field.Content == ContentKind.Leaf || (!isOpen && field.Treatment.Keys.Count == 0))
        {
            return;
        }

        if (!isDelimited)
        {
            Tell(plan.Name, field.Name, _broken);
            return;
        }

        switch (field.Content)
        {
            case ContentKind.Message:
                Message(field.Inner, payload);
                break;
            case ContentKind.Any:
                Extension(field.Treatment, payload);
                break;
            default:
                MapEntry(plan, field, payload);
                break;
        }
    }

    // A map is a repeated message with the key as field 1 and the value as field 2.
    private void MapEntry(MessagePlan plan, FieldPlan field, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> key = default;
        ReadOnlySpan<byte> value = default;
        var reader = new WireReader(bytes);
        while (reader.Next(out uint number, out ReadOnlySpan<byte> payload, out _))
        {
            key = number == 1 ? payload : key;
            value = number == 2 ? payload : value;
        }

        if (reader.IsBroken)
        {
            Tell(plan.Name, field.Name, _broken);
            return;
        }

        FieldPlan content = field.Inner.Field(2)!;
        if (content.Content == ContentKind.Leaf && field.Treatment.Keys.Count == 0)
        {
            return;
        }

        string name = Encoding.UTF8.GetString(key);
        _path[^1] = new Step(field.Name, Key: name);
        if (field.Treatment.Keys.TryGetValue(name, out FieldTreatment? treatment) && (treatment.IsTold || everything))
        {
            Tell(plan.Name, $"{field.Name}[{name}]", treatment);
        }

        if (!field.Treatment.IsOpen && !everything)
        {
            return;
        }

        if (content.Content == ContentKind.Message)
        {
            Message(content.Inner, value);
        }
        else if (content.Content == ContentKind.Any)
        {
            Extension(field.Treatment, value);
        }
    }

    private void Extension(FieldTreatment place, ReadOnlySpan<byte> bytes)
    {
        if (!ReadAny(bytes, out string type, out ReadOnlySpan<byte> value))
        {
            Tell("google.protobuf.Any", "", _broken);
            return;
        }

        bool isStruct = Extensions.IsTypedStruct(type);
        if (isStruct)
        {
            if (everything)
            {
                Message(MessagePlan.Of(Extensions.DescriptorOf(type)!), value);
            }

            // Its first field is the type URL of what it stands for, as in Any.
            if (!ReadAny(value, out type, out value))
            {
                Tell(type, "", _broken);
                return;
            }
        }

        FieldTreatment treatment = place.Keys.TryGetValue(type, out FieldTreatment? here) ? here : Extensions.TreatmentOf(type);
        if (isStruct && treatment.IsOpen)
        {
            treatment = _struct;
        }

        if ((treatment.IsTold && !treatment.Excepts(value)) || everything)
        {
            Tell(type, "", treatment);
        }

        if ((treatment.IsOpen || everything) && !isStruct && Extensions.DescriptorOf(type) is { } descriptor)
        {
            Message(MessagePlan.Of(descriptor), value);
        }
    }

    private static bool ReadAny(ReadOnlySpan<byte> bytes, out string type, out ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> url = default;
        value = default;
        var reader = new WireReader(bytes);
        while (reader.Next(out uint number, out ReadOnlySpan<byte> payload, out _))
        {
            url = number == 1 ? payload : url;
            value = number == 2 ? payload : value;
        }

        type = Extensions.TypeName(url);
        return !reader.IsBroken;
    }

    private void Tell(string message, string field, FieldTreatment treatment)
    {
        if (_told.Add((message, field)))
        {
            _findings.Add(new FieldFinding(message, field, Path(), treatment));
        }
    }

    private string Path()
    {
        var path = new StringBuilder(rootPath);
        foreach (Step step in _path)
        {
            if (path.Length > 0)
            {
                path.Append('.');
            }

            path.Append(step.Name);
            if (step.Key is not null)
            {
                path.Append('[').Append(step.Key).Append(']');
            }
            else if (step.Index >= 0)
            {
                path.Append(CultureInfo.InvariantCulture, $"[{step.Index}]");
            }
        }

        return path.ToString();
    }

    private readonly record struct Step(string Name, int Index = -1, string? Key = null);
}
