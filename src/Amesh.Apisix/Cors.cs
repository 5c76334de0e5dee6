namespace Amesh.Apisix;

/// <summary>Cross-origin rules. Source: extensions.filters.http.cors.v3.CorsPolicy.</summary>
public sealed record Cors
{
    /// <summary>Which values of <c>Origin</c> are allowed; <c>*</c> whole is any.</summary>
    public required IReadOnlyList<StringMatch> AllowOrigins { get; init; }

    /// <summary>The value of <c>access-control-allow-methods</c>.</summary>
    public string? AllowMethods { get; init; }

    /// <summary>The value of <c>access-control-allow-headers</c>.</summary>
    public string? AllowHeaders { get; init; }

    /// <summary>The value of <c>access-control-expose-headers</c>.</summary>
    public string? ExposeHeaders { get; init; }

    /// <summary>The value of <c>access-control-max-age</c>.</summary>
    public string? MaxAge { get; init; }

    /// <summary>Whether credentials are allowed.</summary>
    public bool? AllowCredentials { get; init; }

    /// <summary>Whether a preflight of an origin that is not allowed goes on to the endpoint.</summary>
    public bool? ForwardNotMatchingPreflights { get; init; }
}
