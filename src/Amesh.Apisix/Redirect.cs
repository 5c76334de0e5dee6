namespace Amesh.Apisix;

/// <summary>A redirect. What is not given is kept from the request.</summary>
public sealed record Redirect
{
    /// <summary>301, 302, 303, 307 or 308.</summary>
    public required uint Status { get; init; }

    /// <summary><c>http</c> or <c>https</c>.</summary>
    public string? Scheme { get; init; }

    /// <summary>The host.</summary>
    public string? Host { get; init; }

    /// <summary>The port.</summary>
    public uint? Port { get; init; }

    /// <summary>The whole path, perhaps with a query.</summary>
    public string? Path { get; init; }

    /// <summary>The path, or the part of it that <see cref="PathRewrite"/> says, is rewritten.</summary>
    public PathRewrite? Rewrite { get; init; }

    /// <summary>Whether the query is left out.</summary>
    public bool? StripQuery { get; init; }
}
