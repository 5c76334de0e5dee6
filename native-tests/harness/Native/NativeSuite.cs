using System.Diagnostics;

namespace Amesh.Harness.Native;

/// <summary>Runs tests one after the other and counts; a test fails by throwing.</summary>
internal sealed class NativeSuite(TextWriter output, string? only)
{
    private int _passed;
    private int _failed;

    /// <summary>Tests that failed.</summary>
    public int Failed => _failed;

    /// <summary>Runs one test; what it returns is printed beside its name.</summary>
    public async Task TestAsync(string name, Func<Task<string>> test)
    {
        if (only is not null && !name.Contains(only, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }
        var clock = Stopwatch.StartNew();
        try
        {
            var note = await test();
            _passed++;
            output.WriteLine($"PASS {name} ({clock.Elapsed.TotalSeconds:0.0} s){(note.Length > 0 ? ": " + note : "")}");
        }
        catch (Exception e)
        {
            _failed++;
            output.WriteLine($"FAIL {name} ({clock.Elapsed.TotalSeconds:0.0} s): {(e is HarnessException or CheckException ? e.Message : e)}");
        }
    }

    /// <summary>The last line.</summary>
    public void Summarise() => output.WriteLine($"{_passed} passed, {_failed} failed");
}

/// <summary>Something that a test found otherwise than it should be.</summary>
internal sealed class CheckException(string message) : Exception(message);

/// <summary>What tests ask for.</summary>
internal static class Check
{
    /// <summary>Throws unless the condition holds.</summary>
    public static void That(bool condition, Func<string> otherwise)
    {
        if (!condition)
        {
            throw new CheckException(otherwise());
        }
    }
}
