namespace Amesh.Harness;

/// <summary>Options of the form <c>--name value</c> and flags of the form <c>--name</c>; anything else is an error with one clear line.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string?> _values = new(StringComparer.Ordinal);

    public Arguments(IEnumerable<string> arguments, string[] options, string[] flags)
    {
        using var rest = arguments.GetEnumerator();
        while (rest.MoveNext())
        {
            var name = rest.Current;
            if (flags.Contains(name))
            {
                _values[name] = null;
            }
            else if (options.Contains(name) && rest.MoveNext())
            {
                _values[name] = rest.Current;
            }
            else
            {
                throw new HarnessException($"{name}: {(options.Contains(name) ? "a value is missing" : $"unknown; there are {string.Join(", ", options.Concat(flags))}")}");
            }
        }
    }

    /// <summary>Value of an option; null when it was not given.</summary>
    public string? Value(string name) => _values.GetValueOrDefault(name);

    /// <summary>Value of an option that must be one of a few.</summary>
    public string OneOf(string name, params string[] allowed)
    {
        var value = Value(name) ?? allowed[0];
        return allowed.Contains(value) ? value : throw new HarnessException($"{name} {value}: must be one of {string.Join(", ", allowed)}");
    }

    /// <summary>True when a flag was given.</summary>
    public bool Has(string name) => _values.ContainsKey(name);
}
