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
