using System.Text.Json.Serialization;

namespace Amesh.Apisix;

/// <summary>An APISIX certificate: a filter chain's that server names choose. Source: <c>ssl</c> in APISIX's schema_def.lua.</summary>
public sealed record Ssl : ApisixObject
{
    /// <summary>The server names that it is shown for.</summary>
    public required IReadOnlyList<string> Snis { get; init; }

    /// <summary>The certificate and those between it and its authority, PEM.</summary>
    public required string Cert { get; init; }

    /// <summary>The certificate's private key, PEM.</summary>
    [JsonPropertyName("key")]
    public required string PrivateKey { get; init; }

    /// <summary>Set where clients must show a certificate.</summary>
    public SslClient? Client { get; init; }

    /// <summary>The versions that are taken; null for those that APISIX is configured with.</summary>
    public IReadOnlyList<string>? SslProtocols { get; init; }

    internal override ObjectKind Kind => ObjectKind.Ssl;
}

/// <summary>What clients are checked by.</summary>
/// <param name="Ca">The authorities, PEM.</param>
/// <param name="Depth">How many certificates may stand between a client's and its authority.</param>
public sealed record SslClient(string Ca, int Depth);
