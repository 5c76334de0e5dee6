namespace Amesh.Apisix;

/// <summary>
/// The kinds of object that Amesh writes, each under the key prefix that APISIX's configuration providers use
/// (<c>/routes/ID</c>, without the <c>/apisix</c> of etcd).
/// </summary>
/// <remarks>
/// The order is the order of writing: what is used comes before what uses it. Deletions go the other way round.
/// </remarks>
public enum ObjectKind
{
    /// <summary>Amesh's own: a certificate and its key, or the authorities that peers are checked by. Never shown.</summary>
    Secret,

    /// <summary>Amesh's own: how endpoints of a cluster are spoken to over TLS.</summary>
    TlsContext,

    /// <summary>An APISIX certificate for server names: a gateway's.</summary>
    Ssl,

    /// <summary>An APISIX upstream: where requests of one cluster go.</summary>
    Upstream,

    /// <summary>An APISIX route: one entry of an Envoy virtual host.</summary>
    Route,

    /// <summary>An APISIX stream route: one TCP proxy.</summary>
    StreamRoute,

    /// <summary>Amesh's own: the domains of a virtual host and the order of its routes.</summary>
    VirtualHost,

    /// <summary>Amesh's own: what becomes of connections to a destination of an Envoy listener.</summary>
    Listener,
}

/// <summary>Where an object stands in the shared dictionary.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Id">Its id: 1 to 64 characters of <c>[a-zA-Z0-9-_]</c>, as APISIX's schema wants it.</param>
public readonly record struct ObjectKey(ObjectKind Kind, string Id) : IComparable<ObjectKey>
{
    /// <summary>The key in the dictionary, for example <c>/routes/reviews-9080-1f0c</c>.</summary>
    public override string ToString() => Prefix(Kind) + "/" + Id;

    /// <summary>The key prefix of a kind, with its leading and without a trailing slash.</summary>
    public static string Prefix(ObjectKind kind) => kind switch
    {
        ObjectKind.Secret => "/amesh_secrets",
        ObjectKind.TlsContext => "/tls_contexts",
        ObjectKind.Ssl => "/ssls",
        ObjectKind.Upstream => "/upstreams",
        ObjectKind.Route => "/routes",
        ObjectKind.StreamRoute => "/stream_routes",
        ObjectKind.VirtualHost => "/virtual_hosts",
        ObjectKind.Listener => "/listeners",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The other way round; null where the text is no key of an object.</summary>
    public static ObjectKey? Parse(string text)
    {
        foreach (ObjectKind kind in Enum.GetValues<ObjectKind>())
        {
            string prefix = Prefix(kind) + "/";
            if (text.Length > prefix.Length && text.StartsWith(prefix, StringComparison.Ordinal))
            {
                return new ObjectKey(kind, text[prefix.Length..]);
            }
        }

        return null;
    }

    /// <summary>Orders by kind (the order of writing), then by id.</summary>
    public int CompareTo(ObjectKey other) =>
        Kind != other.Kind ? Kind.CompareTo(other.Kind) : string.CompareOrdinal(Id, other.Id);

    /// <inheritdoc cref="CompareTo"/>
    public static bool operator <(ObjectKey left, ObjectKey right) => left.CompareTo(right) < 0;

    /// <inheritdoc cref="CompareTo"/>
    public static bool operator >(ObjectKey left, ObjectKey right) => left.CompareTo(right) > 0;

    /// <inheritdoc cref="CompareTo"/>
    public static bool operator <=(ObjectKey left, ObjectKey right) => left.CompareTo(right) <= 0;

    /// <inheritdoc cref="CompareTo"/>
    public static bool operator >=(ObjectKey left, ObjectKey right) => left.CompareTo(right) >= 0;
}
