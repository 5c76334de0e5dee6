namespace Amesh.Apisix;

/// <summary>
/// Envoy's external authorization: a service says of each request whether it goes on. lua/apisix/amesh/filters/ext_authz.lua asks
/// it. In a route, <see cref="ContextExtensions"/>, <see cref="Body"/> and <see cref="WithoutBody"/> alone.
/// </summary>
public sealed record ExternalAuthorizationFilter : ChainFilter
{
    /// <summary>Who is asked; null in a route.</summary>
    public AuthorizationService? Service { get; init; }

    /// <summary>Parts per million of the requests that are asked for; null for all of them.</summary>
    public long? Ppm { get; init; }

    /// <summary>What other filters must have left for a request to be asked for.</summary>
    public MetadataMatch? When { get; init; }

    /// <summary>Whether requests that are not asked for are refused.</summary>
    public bool? DenyAtDisable { get; init; }

    /// <summary>Whether requests go on when no answer can be had.</summary>
    public bool? FailureModeAllow { get; init; }

    /// <summary>Whether they then say so in <c>x-envoy-auth-failure-mode-allowed</c>.</summary>
    public bool? FailureModeAllowHeaderAdd { get; init; }

    /// <summary>The status of a refusal when no answer can be had; null for 403.</summary>
    public int? StatusOnError { get; init; }

    /// <summary>How much of the body the service is shown; null for nothing.</summary>
    public AuthorizationBody? Body { get; init; }

    /// <summary>In a route: the service is not shown the body.</summary>
    public bool? WithoutBody { get; init; }

    /// <summary>Headers that the service is shown; null for all of them.</summary>
    public IReadOnlyList<StringMatch>? AllowedHeaders { get; init; }

    /// <summary>Headers that it is not.</summary>
    public IReadOnlyList<StringMatch>? DisallowedHeaders { get; init; }

    /// <summary>Whether a service of gRPC is shown the client's certificate.</summary>
    public bool? IncludePeerCertificate { get; init; }

    /// <summary>Whether it is shown the server name that the client asked for.</summary>
    public bool? IncludeTlsSession { get; init; }

    /// <summary>Whether headers of one name come each by itself, by gRPC as bytes, in place of one text.</summary>
    public bool? EncodeRawHeaders { get; init; }

    /// <summary>Namespaces of the metadata that a service of gRPC is shown.</summary>
    public IReadOnlyList<string>? MetadataNamespaces { get; init; }

    /// <summary>Of routes: what a service of gRPC is told besides.</summary>
    public IReadOnlyDictionary<string, string>? ContextExtensions { get; init; }

    /// <summary>Headers of an answer of 200 by HTTP that the request takes on in place of its own.</summary>
    public IReadOnlyList<StringMatch>? UpstreamHeaders { get; init; }

    /// <summary>… and beside its own, where it has such a header.</summary>
    public IReadOnlyList<StringMatch>? UpstreamHeadersToAppend { get; init; }

    /// <summary>Headers of another answer by HTTP that the client gets; null for all of them.</summary>
    public IReadOnlyList<StringMatch>? ClientHeaders { get; init; }

    /// <summary>Headers of an answer of 200 by HTTP that the client gets with the response.</summary>
    public IReadOnlyList<StringMatch>? ClientHeadersOnSuccess { get; init; }

    /// <summary>Headers of an answer of 200 by HTTP that become metadata.</summary>
    public IReadOnlyList<StringMatch>? MetadataHeaders { get; init; }

    /// <summary>Whether metadata that a service of gRPC answers with is left out.</summary>
    public bool? IgnoreMetadata { get; init; }

    /// <summary>Whether the route is chosen anew after a service has changed headers.</summary>
    public bool? ClearRouteCache { get; init; }
}

/// <summary>A service that says whether requests go on.</summary>
/// <param name="Kind"><c>http</c> or <c>grpc</c> (<c>envoy.service.auth.v3.Authorization</c>).</param>
/// <param name="UpstreamId">The cluster that it is asked by.</param>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="Host">The host that is asked.</param>
public sealed record AuthorizationService(string Kind, string UpstreamId, string Cluster, string Host)
{
    /// <summary>Seconds until there must be an answer; null for no limit.</summary>
    public double? Timeout { get; init; }

    /// <summary>What stands before the request's path when it is asked for by HTTP.</summary>
    public string? PathPrefix { get; init; }

    /// <summary>Headers that the service gets besides.</summary>
    public IReadOnlyList<HeaderMutation>? Headers { get; init; }
}

/// <summary>How much of a request's body a service is shown.</summary>
/// <param name="Most">Bytes.</param>
public sealed record AuthorizationBody(uint Most)
{
    /// <summary>Whether a longer one is shown in part; else the request is refused with 413.</summary>
    public bool? Partial { get; init; }

    /// <summary>Whether a service of gRPC gets it as bytes, not as text.</summary>
    public bool? AsBytes { get; init; }
}
