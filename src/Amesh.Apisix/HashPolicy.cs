namespace Amesh.Apisix;

/// <summary>One part of a balancer's hash; one of the sources.</summary>
public sealed record HashPolicy
{
    /// <summary>A request header.</summary>
    public string? Header { get; init; }

    /// <summary>A cookie.</summary>
    public HashCookie? Cookie { get; init; }

    /// <summary>A query parameter.</summary>
    public string? Query { get; init; }

    /// <summary>The client's address.</summary>
    public bool? SourceIp { get; init; }

    /// <summary>Whether the parts after this one are left out when this one has a value.</summary>
    public bool? Terminal { get; init; }
}

/// <summary>A cookie that a hash is made of.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Ttl">Seconds; when given, a cookie is made for a client that has none. 0: until the browser ends.</param>
/// <param name="Path">The path of a cookie that is made.</param>
public sealed record HashCookie(string Name, double? Ttl, string? Path);
