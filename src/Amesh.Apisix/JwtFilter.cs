namespace Amesh.Apisix;

/// <summary>Envoy's JWT filter; in a route, <see cref="Requirement"/> alone.</summary>
public sealed record JwtFilter : ChainFilter
{
    /// <summary>Who issues tokens.</summary>
    public IReadOnlyList<JwtProvider>? Providers { get; init; }

    /// <summary>What is asked of which requests: the first rule that is for a request counts.</summary>
    public IReadOnlyList<JwtRule>? Rules { get; init; }

    /// <summary>Requirements that rules and routes name.</summary>
    public IReadOnlyDictionary<string, JwtRequirement>? Requirements { get; init; }

    /// <summary>Whether preflight requests are asked for nothing.</summary>
    public bool? BypassCorsPreflight { get; init; }

    /// <summary>Whether a refusal says nothing of its reason.</summary>
    public bool? StripFailureResponse { get; init; }

    /// <summary>In a route: the name of the requirement that is asked of its requests.</summary>
    public string? Requirement { get; init; }
}

/// <summary>An issuer of tokens: where they are found, whom they may be for, what is told of them.</summary>
/// <param name="Name">Its name within the filter.</param>
public sealed record JwtProvider(string Name)
{
    /// <summary>The <c>iss</c> that its tokens must have; null for any.</summary>
    public string? Issuer { get; init; }

    /// <summary>Of these a token's <c>aud</c> must have one.</summary>
    public IReadOnlyList<string>? Audiences { get; init; }

    /// <summary>What a token's <c>sub</c> must be like; without a form it is like none.</summary>
    public StringMatch? Subjects { get; init; }

    /// <summary>Whether a token must have an end.</summary>
    public bool? RequireExpiration { get; init; }

    /// <summary>Seconds, less than which a token may live on.</summary>
    public double? MaxLifetime { get; init; }

    /// <summary>Seconds by which clocks may differ; null for a minute.</summary>
    public uint? ClockSkewSeconds { get; init; }

    /// <summary>The key set, where nothing in it is secret.</summary>
    public string? Jwks { get; init; }

    /// <summary>The id of the secret with the key set.</summary>
    public string? JwksSecret { get; init; }

    /// <summary>Where the key set is fetched from.</summary>
    public RemoteJwks? Remote { get; init; }

    /// <summary>Headers that may have a token. Where all three are null, it is <c>Authorization: Bearer</c> and <c>access_token</c>.</summary>
    public IReadOnlyList<JwtHeader>? FromHeaders { get; init; }

    /// <summary>Parameters of the query that may have one.</summary>
    public IReadOnlyList<string>? FromParams { get; init; }

    /// <summary>Cookies that may have one.</summary>
    public IReadOnlyList<string>? FromCookies { get; init; }

    /// <summary>Whether the endpoint gets the token, too.</summary>
    public bool? Forward { get; init; }

    /// <summary>The header that tells the endpoint the payload, as it stands in the token.</summary>
    public string? ForwardPayloadHeader { get; init; }

    /// <summary>Whether that is padded.</summary>
    public bool? PadForwardPayloadHeader { get; init; }

    /// <summary>Claims that become headers.</summary>
    public IReadOnlyList<JwtClaimHeader>? ClaimToHeaders { get; init; }

    /// <summary>The name of the payload in the filter's metadata.</summary>
    public string? PayloadInMetadata { get; init; }

    /// <summary>Claims that are lists in there, separated by blanks in the token.</summary>
    public IReadOnlyList<string>? SpaceDelimitedClaims { get; init; }

    /// <summary>The name of the token's header in the metadata.</summary>
    public string? HeaderInMetadata { get; init; }

    /// <summary>The name of what is wrong with a token in the metadata.</summary>
    public string? FailedStatusInMetadata { get; init; }

    /// <summary>Whether the route is chosen anew after what a token has said.</summary>
    public bool? ClearRouteCache { get; init; }
}

/// <summary>A header with a token in it.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="ValuePrefix">What stands before the token.</param>
public sealed record JwtHeader(string Name, string? ValuePrefix);

/// <summary>A claim that becomes a header.</summary>
/// <param name="Header">In lower case.</param>
/// <param name="Claim">Its name; <c>a.b</c> is the member b of a.</param>
public sealed record JwtClaimHeader(string Header, string Claim);

/// <summary>A key set that an issuer serves.</summary>
/// <param name="UpstreamId">The cluster that it is asked for by.</param>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="Host">The host that is asked.</param>
/// <param name="Path">The path that is asked for.</param>
/// <param name="Timeout">Seconds for all of it.</param>
public sealed record RemoteJwks(string UpstreamId, string Cluster, string Host, string Path, double Timeout)
{
    /// <summary>Seconds for which the keys are good; null for ten minutes.</summary>
    public double? Cache { get; init; }

    /// <summary>Whether they are fetched anew before they are no longer good.</summary>
    public bool? Async { get; init; }

    /// <summary>Seconds before such a fetch is tried again; null for one.</summary>
    public double? FailedRefetch { get; init; }

    /// <summary>How many more tries a fetch has.</summary>
    public uint? Retries { get; init; }

    /// <summary>Seconds before the second try, at most; null for one.</summary>
    public double? BaseInterval { get; init; }

    /// <summary>Seconds before any try, at most.</summary>
    public double? MaxInterval { get; init; }
}

/// <summary>What is asked of requests; one of the forms. With none it is nothing.</summary>
public sealed record JwtRequirement
{
    /// <summary>Tokens of this provider.</summary>
    public string? Provider { get; init; }

    /// <summary>Audiences in place of the provider's own.</summary>
    public IReadOnlyList<string>? Audiences { get; init; }

    /// <summary>One of these.</summary>
    public IReadOnlyList<JwtRequirement>? Any { get; init; }

    /// <summary>All of these.</summary>
    public IReadOnlyList<JwtRequirement>? All { get; init; }

    /// <summary>Tokens of any provider, or none.</summary>
    public bool? AllowMissing { get; init; }

    /// <summary>Anything; tokens that are good are told of.</summary>
    public bool? AllowMissingOrFailed { get; init; }
}

/// <summary>What is asked of some requests.</summary>
public sealed record JwtRule
{
    /// <summary>The conditions that a request must meet; null: every request does.</summary>
    public IReadOnlyList<Predicate>? When { get; init; }

    /// <summary>What is asked; null where nothing is, or by name.</summary>
    public JwtRequirement? Requires { get; init; }

    /// <summary>The name of what is asked.</summary>
    public string? Requirement { get; init; }
}
