namespace Amesh.Xds.Ads;

/// <summary>What an <see cref="AdsClient"/> is doing; a snapshot that does not change any more.</summary>
/// <param name="Connected">True from the first response of a stream until the stream ends.</param>
/// <param name="Since">Since when <paramref name="Connected"/> is what it is.</param>
/// <param name="Protocol">The variant in use.</param>
/// <param name="LastError">What ended the last stream, or what failed to connect; stays readable after a reconnect.</param>
/// <param name="LastErrorAt">When that was.</param>
/// <param name="Streams">How many streams have been started; the first is 1.</param>
/// <param name="Updates">How many responses were processed.</param>
/// <param name="Nacks">How many of them were answered with an error.</param>
/// <param name="Types">One entry for each type that was subscribed to, in the order of <see cref="TypeUrls.InOrder"/>.</param>
public sealed record AdsStatus(
    bool Connected,
    DateTimeOffset Since,
    AdsProtocol Protocol,
    string? LastError,
    DateTimeOffset? LastErrorAt,
    int Streams,
    long Updates,
    long Nacks,
    IReadOnlyList<AdsTypeStatus> Types)
{
    /// <summary>How often a stream had to be started again.</summary>
    public int Reconnects => Math.Max(0, Streams - 1);
}

/// <summary>What is known about one type of resource.</summary>
/// <param name="TypeUrl">The type.</param>
/// <param name="Subscribed">How many names are subscribed to; 0 for clusters and listeners, of which everything is.</param>
/// <param name="Nonce">Of the last response; empty when there was none on this stream.</param>
/// <param name="Version">Of the last response that was accepted whole.</param>
/// <param name="Updates">Responses processed.</param>
/// <param name="Nacks">Responses answered with an error.</param>
/// <param name="LastNack">The last such error.</param>
public sealed record AdsTypeStatus(
    string TypeUrl,
    int Subscribed,
    string Nonce,
    string Version,
    long Updates,
    long Nacks,
    string? LastNack);
