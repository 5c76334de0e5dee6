using System.Text.Json;

namespace Amesh.Harness.Endpoints;

/// <summary>What an endpoint answers to a request, decided by the request's steering headers.</summary>
internal sealed record Answer(int Status, TimeSpan After, byte[] Body)
{
    /// <summary>Names the answering endpoint in every answer, so that an answer without a report can be told apart too. Not compared.</summary>
    public const string EndpointHeader = "x-verdict-endpoint";

    /// <summary>How the reports and verdicts spell their members.</summary>
    public static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The same for files that people read.</summary>
    public static readonly JsonSerializerOptions IndentedJson = new(Json) { WriteIndented = true };

    /// <summary>True when the answer carries the report of what was seen.</summary>
    public bool IsReport => Status == 200;

    /// <summary>
    /// <c>x-answer-status</c> makes it answer that (with <c>x-answer-only</c> at that endpoint alone), <c>x-answer-after</c> makes it wait.
    /// </summary>
    public static Answer To(SeenRequest seen)
    {
        var status = 200;
        if (First(seen, "x-answer-status") is { } wanted && int.TryParse(wanted, out var parsed)
            && (First(seen, "x-answer-only") is not { } only || only == seen.ServedBy))
        {
            status = parsed;
        }
        var after = First(seen, "x-answer-after") is { } text ? Duration(text) : TimeSpan.Zero;
        return new Answer(status, after, status == 200 ? JsonSerializer.SerializeToUtf8Bytes(seen, Json) : []);
    }

    /// <summary>A length as <c>1500ms</c> or <c>2s</c>; anything else is nothing.</summary>
    internal static TimeSpan Duration(string text)
    {
        if (text.EndsWith("ms", StringComparison.Ordinal) && double.TryParse(text[..^2], out var milliseconds))
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }
        return text.EndsWith('s') && double.TryParse(text[..^1], out var seconds) ? TimeSpan.FromSeconds(seconds) : TimeSpan.Zero;
    }

    private static string? First(SeenRequest seen, string header) => seen.Headers.TryGetValue(header, out var values) ? values[0] : null;
}
