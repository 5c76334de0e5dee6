using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Fields;

/// <summary>How well Amesh does what a field asks for.</summary>
internal enum TreatmentKind
{
    /// <summary>As Envoy does it.</summary>
    Exact,

    /// <summary>Nearly; the note says how it differs.</summary>
    Near,

    /// <summary>Not, and it will stay so; the note says why.</summary>
    Refused,

    /// <summary>Not yet.</summary>
    NotYet,

    /// <summary>There is nothing to do: it has no effect on requests; the note says why.</summary>
    Inert,
}

/// <summary>What Amesh does with one field, or with one type of extension.</summary>
/// <param name="Kind">How well it is done.</param>
/// <param name="By">The APISIX object or plugin that does it; empty where nothing does.</param>
/// <param name="Note">How, or why not, in one line.</param>
internal sealed record FieldTreatment(TreatmentKind Kind, string By, string Note)
{
    /// <summary>What holds for every field that no table names.</summary>
    public static FieldTreatment Default { get; } = NotYet("not translated yet; it is left out");

    /// <summary>Values that Amesh does exactly although the field as a whole is not <see cref="TreatmentKind.Exact"/>.</summary>
    public IReadOnlyList<FieldValue> Except { get; private init; } = [];

    /// <summary>What holds for single keys of a map, or for single types of an extension at this place.</summary>
    public IReadOnlyDictionary<string, FieldTreatment> Keys { get; private init; } = new Dictionary<string, FieldTreatment>();

    /// <summary>Whether a user must be told when the field is there.</summary>
    public bool IsTold => Kind is not (TreatmentKind.Exact or TreatmentKind.Inert);

    /// <summary>Whether what is inside the field has treatments of its own. Inside what is not done at all, nothing is done.</summary>
    public bool IsOpen => Kind is TreatmentKind.Exact or TreatmentKind.Near;

    public static FieldTreatment Exact(string by, string note = "") => new(TreatmentKind.Exact, by, note);

    public static FieldTreatment Near(string by, string note) => new(TreatmentKind.Near, by, note);

    public static FieldTreatment Refused(string note) => new(TreatmentKind.Refused, "", note);

    public static FieldTreatment NotYet(string note, string by = "") => new(TreatmentKind.NotYet, by, note);

    public static FieldTreatment Inert(string note) => new(TreatmentKind.Inert, "", note);

    /// <summary>There are values that need no telling.</summary>
    public FieldTreatment Unless(params FieldValue[] values) => this with { Except = values };

    /// <summary>One key of the map, or one type of extension at this place, is another thing.</summary>
    public FieldTreatment But(string key, FieldTreatment treatment) =>
        this with { Keys = new Dictionary<string, FieldTreatment>(Keys) { [key] = treatment } };

    /// <summary>Whether these bytes, a field's without tag and length, are one of the values that need no telling.</summary>
    public bool Excepts(ReadOnlySpan<byte> payload)
    {
        foreach (FieldValue value in Except)
        {
            if (payload.SequenceEqual(value.Payload))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A value as it stands on the wire, without tag and length.</summary>
internal sealed record FieldValue(string Text, byte[] Payload)
{
    /// <summary>A wrapped <c>false</c>.</summary>
    public static FieldValue False { get; } = new("false", []);

    /// <summary>A duration of no seconds.</summary>
    public static FieldValue ZeroSeconds { get; } = new("0s", []);

    /// <summary>A message without any field.</summary>
    public static FieldValue Empty { get; } = new("empty", []);

    /// <summary>Istio's way to say that there is no limit.</summary>
    public static FieldValue Unlimited { get; } = new("4294967295", new UInt32Value { Value = uint.MaxValue }.ToByteArray());

    public static FieldValue Number(uint value) => new($"{value}", new UInt32Value { Value = value }.ToByteArray());

    public static FieldValue String(string value) => new(value, Encoding.UTF8.GetBytes(value));
}
