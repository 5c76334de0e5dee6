using System.Text.Json;
using Amesh.Harness.Endpoints;

namespace Amesh.Harness.Client;

/// <summary>What one request brought back.</summary>
internal sealed record Reply
{
    /// <summary>An HTTP code, or in words what happened instead.</summary>
    public required string Status { get; init; }

    /// <summary>Headers of the answer by lower-case name.</summary>
    public Dictionary<string, List<string>> Headers { get; init; } = [];

    /// <summary>Body of the answer.</summary>
    public string Body { get; init; } = "";

    /// <summary>Seconds from connecting to the end of the answer.</summary>
    public double Seconds { get; init; }

    /// <summary>Why there was no answer.</summary>
    public string? Error { get; init; }

    /// <summary>The endpoint's report, when the body is one.</summary>
    public SeenRequest? Report
    {
        get
        {
            if (!Body.StartsWith("{\"served_by\":", StringComparison.Ordinal))
            {
                return null;
            }
            try
            {
                return JsonSerializer.Deserialize<SeenRequest>(Body, Answer.Json);
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>The endpoint that answered: by its header, or by the line of a TCP answer.</summary>
    public string? ServedBy
    {
        get
        {
            if (Headers.TryGetValue(Answer.EndpointHeader, out var named))
            {
                return named[^1];
            }
            return Status == Answered && Body.Split(' ') is [_, var address, ..] ? address.TrimEnd() : null;
        }
    }

    /// <summary>A TCP or TLS connection brought something back.</summary>
    public const string Answered = "answered";

    /// <summary>A TCP or TLS connection brought nothing back.</summary>
    public const string ClosedWithoutAnswer = "closed without an answer";

    /// <summary>TLS was not agreed on.</summary>
    public const string HandshakeFailed = "tls handshake failed";

    /// <summary>An HTTP request got no answer.</summary>
    public const string NoAnswer = "no answer";
}
