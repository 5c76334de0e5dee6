using System.Text.Json.Serialization;

namespace Amesh.Harness.Endpoints;

/// <summary>What an endpoint saw of a request: the shape of <c>seen</c> in the verdicts, and of an endpoint's answer.</summary>
internal sealed record SeenRequest
{
    /// <summary>Address and port of the endpoint itself.</summary>
    public required string ServedBy { get; init; }

    /// <summary><c>HTTP/1.1</c> or <c>HTTP/2.0</c>.</summary>
    public required string Proto { get; init; }

    /// <summary>Request method.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query, byte for byte as they came.</summary>
    public required string Path { get; init; }

    /// <summary>Host header or :authority.</summary>
    public required string Host { get; init; }

    /// <summary>All other headers by lower-case name, each value of a repeated one for itself; without <c>x-case</c>.</summary>
    public SortedDictionary<string, List<string>> Headers { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Request body; absent when empty.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Body { get; init; }

    /// <summary>TLS only: the server name that the proxy asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sni { get; init; }

    /// <summary>TLS only: the identity in the proxy's certificate.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Peer { get; init; }
}
