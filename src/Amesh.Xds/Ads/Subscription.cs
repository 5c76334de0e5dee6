namespace Amesh.Xds.Ads;

/// <summary>What one stream knows about one type of resource. Owned by the stream's loop.</summary>
internal sealed class Subscription(string typeUrl, string acceptedVersion)
{
    public string TypeUrl { get; } = typeUrl;

    /// <summary>The names last sent, sorted so that requests are the same from run to run. Empty for wildcards.</summary>
    public SortedSet<string> Names { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Of the last response on this stream, accepted or not.</summary>
    public string Nonce { get; set; } = "";

    /// <summary>Of the last response that was accepted whole, on this stream or an earlier one.</summary>
    public string AcceptedVersion { get; set; } = acceptedVersion;
}
