using System.Net;

namespace Amesh.Dns;

/// <summary>What came of a lookup.</summary>
internal enum LookupStatus
{
    /// <summary>There are addresses.</summary>
    Found,

    /// <summary>A server said that there is no such name, or that it has no such addresses.</summary>
    Empty,

    /// <summary>No server could say.</summary>
    Failed,
}

/// <summary>One address and how long it holds.</summary>
internal readonly record struct FoundAddress(IPAddress Address, TimeSpan TimeToLive);

/// <summary>What came of looking up a name.</summary>
/// <param name="Status">Whether it was found.</param>
/// <param name="Addresses">In the order of the answer.</param>
/// <param name="Reason">Why it failed, in one line.</param>
internal sealed record LookupResult(LookupStatus Status, IReadOnlyList<FoundAddress> Addresses, string Reason = "")
{
    public static LookupResult Empty { get; } = new(LookupStatus.Empty, []);

    /// <summary>The shortest time that an address holds; zero where that is not said.</summary>
    public TimeSpan TimeToLive => Addresses.Count == 0 ? TimeSpan.Zero : Addresses.Min(a => a.TimeToLive);

    public static LookupResult Of(IEnumerable<FoundAddress> addresses)
    {
        FoundAddress[] found = [.. addresses];
        return found.Length == 0 ? Empty : new(LookupStatus.Found, found);
    }

    public static LookupResult Failed(string reason) => new(LookupStatus.Failed, [], reason);
}
