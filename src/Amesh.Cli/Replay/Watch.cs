using Amesh.Xds;

namespace Amesh.Cli.Replay;

/// <summary>What one stream has asked for and been sent of one type. Owned by the stream's loop.</summary>
internal sealed class Watch(string typeUrl)
{
    public string TypeUrl { get; } = typeUrl;

    /// <summary>Names asked for; for a wildcard those asked for beside it.</summary>
    public HashSet<string> Names { get; set; } = [];

    public bool IsWildcard { get; } = TypeUrls.IsWildcard(typeUrl);

    /// <summary>Name to version of what the client has from us, or says it has.</summary>
    public Dictionary<string, string> Sent { get; set; } = [];

    /// <summary>Of the last response.</summary>
    public string Nonce { get; set; } = "";

    /// <summary>Of the last response.</summary>
    public string Version { get; set; } = "";

    /// <summary>Whether the last response has been answered.</summary>
    public bool Answered { get; set; } = true;

    /// <summary>The version last accepted.</summary>
    public string Accepted { get; set; } = "";

    public int Acks { get; set; }

    public int Nacks { get; set; }

    public int Stale { get; set; }

    public string LastNack { get; set; } = "";
}
