using Amesh.Xds.Store;

namespace Amesh.Translation;

/// <summary>One unit must not cost the others, of which most have no fault: neither now nor in later batches.</summary>
/// <param name="diagnostics">Where it is said of a unit that it cannot be translated.</param>
internal sealed class UnitGuard(UnitDiagnostics diagnostics)
{
    /// <summary>See <see cref="Translator.OnTrouble"/>.</summary>
    public Action<string>? OnTrouble { get; set; }

    /// <summary>Makes something of a unit. Where that fails what was made of it before stays.</summary>
    public void Try(UnitKey unit, Action make)
    {
        try
        {
            make();
        }
        catch (Exception e)
        {
            Failed(unit, e);
        }
    }

    /// <summary>A unit could not be translated.</summary>
    public void Failed(UnitKey unit, Exception e)
    {
        var found = new List<Diagnostic>();
        UnitDiagnostics.ScopeOf(unit, found).Refused("", $"it cannot be translated, and what was made of it before stays: {e.GetType().Name}: {e.Message}");
        diagnostics.Keep(unit, found);
        OnTrouble?.Invoke($"{found[0]} {e.StackTrace}".ReplaceLineEndings(" "));
    }
}
