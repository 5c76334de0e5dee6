namespace Amesh.Apisix;

/// <summary>A comparison with a name in a certificate; one of the forms.</summary>
/// <param name="Type"><c>uri</c>, <c>dns</c>, <c>email</c>, <c>ip</c> or <c>any</c>.</param>
public sealed record SanMatch(string Type)
{
    /// <summary>The whole name.</summary>
    public string? Exact { get; init; }

    /// <summary>The start.</summary>
    public string? Prefix { get; init; }

    /// <summary>The end.</summary>
    public string? Suffix { get; init; }

    /// <summary>A part.</summary>
    public string? Contains { get; init; }

    /// <summary>A regular expression (PCRE), anchored.</summary>
    public string? Regex { get; init; }

    /// <summary>Whether case is left out.</summary>
    public bool? IgnoreCase { get; init; }
}
