namespace Amesh.Dns;

/// <summary>Which kinds of addresses are asked for, in the words of Envoy's <c>Cluster.DnsLookupFamily</c>.</summary>
public enum LookupFamily
{
    /// <summary>IPv6, and IPv4 where there is none.</summary>
    Auto,

    /// <summary>IPv4.</summary>
    V4Only,

    /// <summary>IPv6.</summary>
    V6Only,

    /// <summary>IPv4, and IPv6 where there is none.</summary>
    V4Preferred,

    /// <summary>Both; IPv4 comes first.</summary>
    All,
}

/// <summary>A name that is kept looked up, and how. Two clusters that ask for the same in the same way share one.</summary>
/// <param name="Name">The name. One that ends with a dot is taken as it is, without search domains.</param>
public sealed record NameQuery(string Name)
{
    /// <summary>Which kinds of addresses are wanted.</summary>
    public LookupFamily Family { get; init; }

    /// <summary>Servers as <c>address:port</c>, joined with commas; empty for those of resolv.conf.</summary>
    public string Servers { get; init; } = "";

    /// <summary>Whether resolv.conf's servers, where it names any, are asked instead of <see cref="Servers"/>.</summary>
    public bool ServersAreFallback { get; init; }

    /// <summary>Whether TCP is used from the start.</summary>
    public bool UseTcp { get; init; }

    /// <summary>Whether resolv.conf's search domains are left out.</summary>
    public bool NoSearch { get; init; }

    /// <summary>When to look again after an answer.</summary>
    public TimeSpan RefreshRate { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>At most this much is added to each wait, by chance.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Whether the answer's own time to live, where it has one, takes the place of <see cref="RefreshRate"/>.</summary>
    public bool RespectTtl { get; init; }

    /// <summary>After a failure: the longest first wait, which doubles with each one more; null for <see cref="RefreshRate"/>.</summary>
    public TimeSpan? FailureBase { get; init; }

    /// <summary>Where the doubling ends.</summary>
    public TimeSpan FailureMax { get; init; }
}

/// <summary>Keeps names looked up.</summary>
public interface INameResolver
{
    /// <summary>Replaces the names that are kept looked up.</summary>
    /// <param name="names">All of them.</param>
    /// <param name="answered">
    /// Told each time: the addresses in the answer's order, none where there is no such name or it has none, and null where
    /// there was no answer. From any thread; for a name that was just given up an answer may still be on its way.
    /// </param>
    void Watch(IReadOnlyCollection<NameQuery> names, Action<NameQuery, IReadOnlyList<string>?> answered);
}
