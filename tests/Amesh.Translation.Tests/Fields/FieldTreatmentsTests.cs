using Amesh.Protos.Tests;
using Amesh.Translation.Fields;
using Google.Protobuf.Reflection;

namespace Amesh.Translation.Tests.Fields;

public sealed class FieldTreatmentsTests
{
    private static readonly Dictionary<string, MessageDescriptor> _messages = OurProtos.Messages.ToDictionary(message => message.FullName);

    [Fact]
    public void Every_declared_field_exists()
    {
        var unknown = FieldTreatments.Concepts.SelectMany(concept => concept.Messages)
            .SelectMany(message => message.Select(field => $"{message.Message}.{field.Key}").Append($"{message.Message}."))
            .Where(name => !Exists(name));
        Assert.Empty(unknown);
    }

    [Fact]
    public void A_message_is_declared_once()
    {
        var names = FieldTreatments.Concepts.SelectMany(concept => concept.Messages).Select(message => message.Message).ToList();
        Assert.Equal(names.Distinct(), names);
    }

    [Fact]
    public void Somebody_has_looked_at_every_recorded_field()
    {
        var missing = RecordedFields.All
            .Where(finding => finding.Field.Length > 0 && !finding.Field.Contains('[') && !FieldTreatments.IsDeclared(finding.Message, finding.Field))
            .Select(finding => $"{finding.Message}.{finding.Field} at {finding.Path}");
        Assert.Empty(missing);
    }

    [Fact]
    public void Somebody_has_looked_at_every_recorded_extension()
    {
        var missing = RecordedFields.All
            .Where(finding => finding.Field.Length == 0 && Extensions.All.All(extension => extension.Type != finding.Message))
            .Select(finding => $"{finding.Message} at {finding.Path}");
        Assert.Empty(missing);
    }

    [Fact]
    public void What_is_not_done_exactly_says_what_happens_instead()
    {
        var silent = FieldTreatments.Concepts.SelectMany(concept => concept.Messages).SelectMany(message => message)
            .Select(field => field.Value)
            .Concat(Extensions.All.Select(extension => extension.Treatment))
            .Where(treatment => treatment.Kind != TreatmentKind.Exact && treatment.Note.Length == 0);
        Assert.Empty(silent);
    }

    private static bool Exists(string name)
    {
        int dot = name.LastIndexOf('.');
        return _messages.TryGetValue(name[..dot], out MessageDescriptor? message)
            && (dot == name.Length - 1 || message.FindFieldByName(name[(dot + 1)..]) is not null);
    }
}
