namespace Amesh.Cli.Precheck;

/// <summary>How bad it is.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, but not as one may want it.</summary>
    Note,

    /// <summary>Amesh will not work.</summary>
    Wrong,
}

/// <summary>What one check found.</summary>
/// <param name="Verdict">How bad it is.</param>
/// <param name="Subject">The setting or file.</param>
/// <param name="Text">What was found there.</param>
/// <param name="Cure">How to put it right; null where nothing is to be done.</param>
internal sealed record Finding(Verdict Verdict, string Subject, string Text, string? Cure = null)
{
    public static Finding Ok(string subject, string text) => new(Verdict.Ok, subject, text);

    public static Finding Note(string subject, string text, string? cure = null) => new(Verdict.Note, subject, text, cure);

    public static Finding Wrong(string subject, string text, string cure) => new(Verdict.Wrong, subject, text, cure);

    public override string ToString() => Verdict switch
    {
        Verdict.Ok => $"ok     {Subject}: {Text}",
        Verdict.Note => $"note   {Subject}: {Text}",
        _ => $"WRONG  {Subject}: {Text}",
    } + (Cure is null ? "" : Environment.NewLine + "       -> " + Cure.ReplaceLineEndings(Environment.NewLine + "          "));
}
