using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Amesh.Native;

/// <summary>
/// What <c>amesh_start</c> is told, as JSON; each value falls back to a variable of the environment. Unknown names are an
/// error, so that a misspelt one is seen.
/// </summary>
internal sealed partial record StartOptions
{
    /// <summary>Where the configuration comes from: <c>grpc://host:port</c>, <c>grpcs://…</c>, <c>unix:/path</c>, <c>file:/dir</c>, <c>recording:/dir</c>. AMESH_SOURCE.</summary>
    public string? Source { get; init; }

    /// <summary><c>delta</c> (the default) or <c>sotw</c>. AMESH_PROTOCOL.</summary>
    public string? Protocol { get; init; }

    /// <summary>The node as Envoy writes it: id, cluster, metadata, locality. Else AMESH_BOOTSTRAP, else Istio's variables.</summary>
    public JsonNode? Node { get; init; }

    /// <summary>A bootstrap file of Envoy whose node is taken. AMESH_BOOTSTRAP.</summary>
    public string? Bootstrap { get; init; }

    /// <summary><c>debug</c>, <c>info</c>, <c>notice</c> (the default), <c>warn</c> or <c>error</c>. AMESH_LOG_LEVEL.</summary>
    public string? LogLevel { get; init; }

    /// <summary>The name that the control plane's certificate must have. AMESH_SERVER_NAME.</summary>
    public string? ServerName { get; init; }

    /// <summary>A file with the CA that the control plane's certificate must be of. AMESH_CA.</summary>
    public string? Ca { get; init; }

    /// <summary>A file with the client certificate. AMESH_CERT.</summary>
    public string? Cert { get; init; }

    /// <summary>A file with the client certificate's key. AMESH_KEY.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// A server of secrets beside the control plane: <c>unix:/path</c>, <c>grpc://host:port</c>, or <c>off</c>. Else what the
    /// bootstrap says of the cluster sds-grpc, else where Istio's agent listens. AMESH_SDS.
    /// </summary>
    public string? Sds { get; init; }

    /// <summary>A file that keeps the last good state for a start without a control plane; none keeps nothing. AMESH_STATE_FILE.</summary>
    public string? StateFile { get; init; }

    /// <summary>gRPC metadata for every stream, for example a token.</summary>
    public Dictionary<string, string>? Headers { get; init; }

    /// <summary>Variables that stand in for those of the process, which nginx hides from its workers.</summary>
    public Dictionary<string, string>? Environment { get; init; }

    /// <summary>Reads the options; an empty text stands for none.</summary>
    /// <exception cref="StartException">The text is no JSON of such options.</exception>
    public static StartOptions Parse(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty)
        {
            return new StartOptions();
        }

        try
        {
            return JsonSerializer.Deserialize(json, NativeJsonContext.Default.StartOptions) ?? new StartOptions();
        }
        catch (JsonException e)
        {
            throw new StartException(Unknown().Match(e.Message) is { Success: true } unknown
                ? $"plugin_attr.amesh has an option '{unknown.Groups[1].Value}' that is none; docs/apisix.md lists them"
                : $"options of amesh_start: {e.Message}");
        }
    }

    // how .NET says that a name is none of a record's
    [GeneratedRegex("^The JSON property '([^']*)' could not be mapped")]
    private static partial Regex Unknown();
}

/// <summary>The library cannot start; the message is one line that says why and what to do.</summary>
internal sealed class StartException(string message) : Exception(message);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StartOptions))]
[JsonSerializable(typeof(InstanceStatus))]
internal sealed partial class NativeJsonContext : JsonSerializerContext;
