namespace Amesh.Apisix;

/// <summary>A comparison with a text, as lua/apisix/amesh/texts.lua makes it; exactly one of the forms. Where it may be none, that holds for no text.</summary>
public record StringMatch
{
    /// <summary>The whole text.</summary>
    public string? Exact { get; init; }

    /// <summary>Its beginning.</summary>
    public string? Prefix { get; init; }

    /// <summary>Its end.</summary>
    public string? Suffix { get; init; }

    /// <summary>A part of it.</summary>
    public string? Contains { get; init; }

    /// <summary>A regular expression (PCRE), anchored.</summary>
    public string? Regex { get; init; }

    /// <summary>Whether case makes no difference.</summary>
    public bool? IgnoreCase { get; init; }
}
