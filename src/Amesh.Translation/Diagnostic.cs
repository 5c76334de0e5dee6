namespace Amesh.Translation;

/// <summary>How much of what the control plane asked for is lost.</summary>
public enum Severity
{
    /// <summary>Something is done nearly as asked.</summary>
    Near,

    /// <summary>Something that was asked for is not done yet.</summary>
    NotYet,

    /// <summary>Something that was asked for cannot be done, or makes no sense; it says what is done instead.</summary>
    Refused,
}

/// <summary>One thing that Amesh does not do exactly as Envoy would. Part of a translation's output.</summary>
/// <param name="Severity">How much is lost.</param>
/// <param name="Resource">The resource, for example <c>route configuration 9080</c>.</param>
/// <param name="Field">The path of the field inside it, for example <c>virtual_hosts[reviews].routes[0].route.timeout</c>.</param>
/// <param name="Message">What is done instead, in one line.</param>
/// <param name="Origin">The object of the user's own that it came from, where the control plane says so (Istio does); else null.</param>
public sealed record Diagnostic(Severity Severity, string Resource, string Field, string Message, string? Origin = null)
{
    /// <summary>One line for a person.</summary>
    public override string ToString() =>
        $"{Label(Severity)}: {Resource}: {Field}: {Message}" + (Origin is null ? "" : $" (from {Origin})");

    private static string Label(Severity severity) => severity switch
    {
        Severity.Near => "near",
        Severity.NotYet => "not yet",
        _ => "refused",
    };
}

/// <summary>Collects the diagnostics of one unit, so that translators need not know whose they are.</summary>
internal sealed class DiagnosticScope(string resource, List<Diagnostic> target, string prefix = "", string? origin = null)
{
    public void Near(string field, string message) => Add(Severity.Near, field, message);

    public void NotYet(string field, string message) => Add(Severity.NotYet, field, message);

    public void Refused(string field, string message) => Add(Severity.Refused, field, message);

    /// <summary>The same place, one level deeper.</summary>
    public DiagnosticScope At(string field, string? from = null) =>
        new(resource, target, prefix.Length == 0 ? field : $"{prefix}.{field}", from ?? origin);

    private void Add(Severity severity, string field, string message)
    {
        string path = field.Length == 0 ? prefix : prefix.Length == 0 ? field : $"{prefix}.{field}";
        target.Add(new Diagnostic(severity, resource, path, message, origin));
    }
}
