namespace Amesh.Apisix;

/// <summary>
/// Envoy's RBAC, of requests or of connections: policies of one action, or a tree of conditions; with neither it lets everybody
/// through. lua/apisix/amesh/access carries it out.
/// </summary>
public sealed record RbacFilter : ChainFilter
{
    /// <summary><c>allow</c>: what no policy holds for is refused; <c>deny</c>: what one holds for is; <c>log</c>: nothing is.</summary>
    public string? Action { get; init; }

    /// <summary>In Envoy's order, by name.</summary>
    public IReadOnlyList<AccessPolicy>? Policies { get; init; }

    /// <summary>Decides in place of policies; what it comes to no outcome for is refused.</summary>
    public AccessOutcome? Matcher { get; init; }

    /// <summary>Decides nothing: what it would have decided is left for other filters.</summary>
    public RbacShadow? Shadow { get; init; }
}

/// <summary>Rules that refuse nobody; what they come to is metadata of requests.</summary>
public sealed record RbacShadow
{
    /// <summary>What the names of the metadata begin with.</summary>
    public string? Prefix { get; init; }

    /// <inheritdoc cref="RbacFilter.Action"/>
    public string? Action { get; init; }

    /// <inheritdoc cref="RbacFilter.Policies"/>
    public IReadOnlyList<AccessPolicy>? Policies { get; init; }

    /// <inheritdoc cref="RbacFilter.Matcher"/>
    public AccessOutcome? Matcher { get; init; }
}

/// <summary>A policy holds where one of its permissions and one of its principals do.</summary>
/// <param name="Name">What logs call it.</param>
/// <param name="Permissions">What is done.</param>
/// <param name="Principals">Who does it.</param>
public sealed record AccessPolicy(string Name, IReadOnlyList<AccessMatch> Permissions, IReadOnlyList<AccessMatch> Principals);

/// <summary>Where a matcher tree leads to: an action, or conditions that are tried in order.</summary>
public sealed record AccessOutcome
{
    /// <summary><c>allow</c>, <c>deny</c> or <c>log</c>; null where <see cref="List"/> goes on.</summary>
    public string? Action { get; init; }

    /// <summary>What logs call the action.</summary>
    public string? Name { get; init; }

    /// <summary>Conditions, of which the first that holds and comes to an outcome counts.</summary>
    public IReadOnlyList<AccessBranch>? List { get; init; }

    /// <summary>Where none does.</summary>
    public AccessOutcome? Otherwise { get; init; }
}

/// <summary>One condition of a tree.</summary>
/// <param name="When">The condition.</param>
/// <param name="On">Where it leads to.</param>
public sealed record AccessBranch(AccessMatch When, AccessOutcome On);

/// <summary>One condition of a policy or a tree; exactly one of the forms.</summary>
public sealed record AccessMatch
{
    /// <summary>Holds always.</summary>
    public bool? Any { get; init; }

    /// <summary>All of these.</summary>
    public IReadOnlyList<AccessMatch>? And { get; init; }

    /// <summary>One of these.</summary>
    public IReadOnlyList<AccessMatch>? Or { get; init; }

    /// <summary>Not this.</summary>
    public AccessMatch? Not { get; init; }

    /// <summary>A request header, in lower case, compared by <see cref="Is"/>, <see cref="From"/> and <see cref="To"/>, or <see cref="Present"/>.</summary>
    public string? Header { get; init; }

    /// <summary>How a header or an input reads.</summary>
    public StringMatch? Is { get; init; }

    /// <summary>The lowest number.</summary>
    public long? From { get; init; }

    /// <summary>The number above the highest.</summary>
    public long? To { get; init; }

    /// <summary>Whether the header is there.</summary>
    public bool? Present { get; init; }

    /// <summary>Whether a header that is there must not compare.</summary>
    public bool? Invert { get; init; }

    /// <summary>Whether an absent header counts as an empty one.</summary>
    public bool? MissingAsEmpty { get; init; }

    /// <summary>The path without its query.</summary>
    public StringMatch? Path { get; init; }

    /// <summary>Ranges of addresses that the connection was going to.</summary>
    public IReadOnlyList<string>? TargetIp { get; init; }

    /// <summary>The lowest port that the connection was going to, and the one above the highest.</summary>
    public IReadOnlyList<long>? TargetPort { get; init; }

    /// <summary>Ranges of addresses of the connection's peer.</summary>
    public IReadOnlyList<string>? DirectIp { get; init; }

    /// <summary>Ranges of addresses of the client, as trusted proxies tell it.</summary>
    public IReadOnlyList<string>? RemoteIp { get; init; }

    /// <summary>A name of the client's certificate: a URI, a DNS name, or its subject.</summary>
    public StringMatch? Principal { get; init; }

    /// <summary>Whatever client of a connection with TLS.</summary>
    public bool? Tls { get; init; }

    /// <summary>The server name that the client asked for; empty without one.</summary>
    public StringMatch? ServerName { get; init; }

    /// <summary>What other filters have left.</summary>
    public MetadataMatch? Metadata { get; init; }

    /// <summary>All URI names of the client's certificate, joined by commas.</summary>
    public StringMatch? PeerUris { get; init; }

    /// <summary>
    /// An input of a matcher tree, compared by <see cref="Is"/>: <c>uri_san</c>, <c>dns_san</c>, <c>subject</c>, <c>source_ip</c>,
    /// <c>direct_source_ip</c>, <c>target_ip</c>, <c>target_port</c>, <c>server_name</c>.
    /// </summary>
    public string? Input { get; init; }

    /// <summary>Why nobody can tell whether it holds.</summary>
    public string? Unknown { get; init; }
}

/// <summary>A comparison with dynamic metadata.</summary>
/// <param name="Filter">Its namespace.</param>
/// <param name="Path">Keys, from the outermost.</param>
/// <param name="Value">What stands there.</param>
public sealed record MetadataMatch(string Filter, IReadOnlyList<string> Path, MetadataValue Value)
{
    /// <summary>Whether it must not compare.</summary>
    public bool? Invert { get; init; }
}

/// <summary>A comparison with a value of dynamic metadata; exactly one of the forms.</summary>
public sealed record MetadataValue
{
    /// <summary>It is a text that compares so.</summary>
    public StringMatch? Text { get; init; }

    /// <summary>It is null.</summary>
    public bool? Null { get; init; }

    /// <summary>It is this number.</summary>
    public double? Exact { get; init; }

    /// <summary>It is a number from this one</summary>
    public double? From { get; init; }

    /// <summary>and below this one.</summary>
    public double? To { get; init; }

    /// <summary>It is this truth value.</summary>
    public bool? Bool { get; init; }

    /// <summary>True: something stands there. False holds for nothing.</summary>
    public bool? Present { get; init; }

    /// <summary>It is a list with such an element.</summary>
    public MetadataValue? OneOf { get; init; }

    /// <summary>One of these.</summary>
    public IReadOnlyList<MetadataValue>? Any { get; init; }
}
