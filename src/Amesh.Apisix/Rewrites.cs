namespace Amesh.Apisix;

/// <summary>A new path; one of the three forms.</summary>
public sealed record PathRewrite
{
    /// <summary>The matched prefix, which <see cref="To"/> replaces.</summary>
    public string? Prefix { get; init; }

    /// <summary>What replaces the prefix.</summary>
    public string? To { get; init; }

    /// <summary>The whole new path.</summary>
    public string? Path { get; init; }

    /// <summary>A regular expression (PCRE) whose matches are replaced by <see cref="Substitution"/>.</summary>
    public string? Regex { get; init; }

    /// <summary>The replacement, with <c>\1</c> for groups.</summary>
    public string? Substitution { get; init; }
}

/// <summary>A new Host; one of the forms.</summary>
public sealed record HostRewrite
{
    /// <summary>This name.</summary>
    public string? Literal { get; init; }

    /// <summary>The value of this request header.</summary>
    public string? Header { get; init; }

    /// <summary>The endpoint's own host name.</summary>
    public bool? Auto { get; init; }

    /// <summary>The path with matches of this expression replaced by <see cref="Substitution"/>.</summary>
    public string? PathRegex { get; init; }

    /// <summary>The replacement, with <c>\1</c> for groups.</summary>
    public string? Substitution { get; init; }
}
