namespace Amesh.Apisix;

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
