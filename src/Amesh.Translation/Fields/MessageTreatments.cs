using System.Collections;

namespace Amesh.Translation.Fields;

/// <summary>What Amesh does with the fields of one message. Fields that are not named have <see cref="Others"/>.</summary>
/// <param name="message">The message's full name.</param>
/// <param name="others">What holds for the fields that are not named.</param>
internal sealed class MessageTreatments(string message, FieldTreatment? others = null) : IEnumerable<KeyValuePair<string, FieldTreatment>>
{
    private readonly List<KeyValuePair<string, FieldTreatment>> _fields = [];

    public string Message => message;

    /// <summary>What holds for the fields that are not named; null where nobody has looked at them.</summary>
    public FieldTreatment? Others => others;

    /// <summary>Declares one field, or several whose names are separated by blanks.</summary>
    public void Add(string fields, FieldTreatment treatment)
    {
        foreach (string field in fields.Split(' '))
        {
            _fields.Add(new(field, treatment));
        }
    }

    public IEnumerator<KeyValuePair<string, FieldTreatment>> GetEnumerator() => _fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A group of messages that are about one thing.</summary>
internal sealed record Concept(string Title, IReadOnlyList<MessageTreatments> Messages);
