namespace Amesh.Translation.Fields;

/// <summary>A field that is present in what a control plane sent.</summary>
/// <param name="Message">The full name of the message that has the field, or of an extension's type.</param>
/// <param name="Field">The field's name; its number where the name is not known; empty for an extension as a whole.</param>
/// <param name="Path">Where the field was first found, for example <c>virtual_hosts[3].routes[0].route.retry_policy.retry_on</c>.</param>
/// <param name="Treatment">What Amesh does with it.</param>
internal sealed record FieldFinding(string Message, string Field, string Path, FieldTreatment Treatment)
{
    /// <summary>The same for the user; only for a treatment that must be told.</summary>
    public Diagnostic ToDiagnostic(string resource, string? origin = null) => new(SeverityOf(Treatment.Kind), resource, Path, Treatment.Note, origin);

    private static Severity SeverityOf(TreatmentKind kind) => kind switch
    {
        TreatmentKind.Near => Severity.Near,
        TreatmentKind.NotYet => Severity.NotYet,
        TreatmentKind.Refused => Severity.Refused,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "nothing is told about it"),
    };
}
