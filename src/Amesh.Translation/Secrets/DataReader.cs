using Amesh.Xds.Secrets;
using Amesh.Xds.Sources;
using Amesh.Xds.Store;
using Envoy.Config.Core.V3;

namespace Amesh.Translation.Secrets;

/// <summary>Reads what Envoy writes as a DataSource.</summary>
internal interface IDataReader
{
    /// <summary>The text; null, and a diagnostic, where there is none.</summary>
    string? Read(DataSource? source, DiagnosticScope diagnostics);
}

/// <summary>
/// Reads texts, files and variables of the environment, and remembers which unit has read which file, so that the unit can
/// be made again when the file has changed. Not for several threads.
/// </summary>
internal sealed class DataReader : IDataReader
{
    private readonly Dictionary<UnitKey, Dictionary<string, FileStamp?>> _read = [];

    // Changed when last looked at: taken for changed once they have stayed so, since a key follows its certificate.
    private readonly Dictionary<string, FileStamp> _settling = [];
    private UnitKey _unit;

    /// <summary>What is read from now on is read for this unit, anew.</summary>
    public void Begin(UnitKey unit)
    {
        _unit = unit;
        _read.Remove(unit);
    }

    public string? Read(DataSource? source, DiagnosticScope diagnostics)
    {
        switch (source?.SpecifierCase ?? DataSource.SpecifierOneofCase.None)
        {
            case DataSource.SpecifierOneofCase.Filename:
                return ReadFile(source!.Filename, diagnostics);
            case DataSource.SpecifierOneofCase.EnvironmentVariable:
                if (Environment.GetEnvironmentVariable(source!.EnvironmentVariable) is { } value)
                {
                    return value;
                }

                diagnostics.Refused("environment_variable", $"{source.EnvironmentVariable} is not set");
                return null;
            default:
                string? text = DataSources.Inline(source);
                if (text is null)
                {
                    diagnostics.Refused("", "missing");
                }

                return text;
        }
    }

    /// <summary>The units that have read a file that is another now, and can be read.</summary>
    public IReadOnlyList<UnitKey> Changed()
    {
        if (_read.Count == 0)
        {
            return [];
        }

        var now = _read.Values.SelectMany(files => files.Keys).Distinct().ToDictionary(file => file, FileStamp.TryOf);
        var changed = new List<UnitKey>();
        foreach ((UnitKey unit, Dictionary<string, FileStamp?> files) in _read)
        {
            bool anew = false;
            bool settled = true;
            foreach ((string file, FileStamp? stamp) in files)
            {
                if (now[file] is { } current && current != stamp)
                {
                    anew = true;
                    settled &= _settling.TryGetValue(file, out FileStamp seen) && seen == current;
                }
            }

            if (anew && settled)
            {
                changed.Add(unit);
            }
        }

        _settling.Clear();
        foreach ((string file, FileStamp? stamp) in now)
        {
            if (stamp is { } current)
            {
                _settling[file] = current;
            }
        }

        return changed;
    }

    private string? ReadFile(string file, DiagnosticScope diagnostics)
    {
        if (!_read.TryGetValue(_unit, out Dictionary<string, FileStamp?>? files))
        {
            _read[_unit] = files = [];
        }

        // Before it is read: a file that changes while it is read is read again.
        files[file] = FileStamp.TryOf(file);
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            diagnostics.Refused("filename", $"{file} cannot be read: {e.Message}");
            return null;
        }
    }
}
