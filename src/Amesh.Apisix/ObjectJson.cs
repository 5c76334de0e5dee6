using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Amesh.Apisix;

/// <summary>Objects as the JSON that APISIX reads. The same object always gives the same bytes.</summary>
public static class ObjectJson
{
    private static readonly ObjectJsonContext Context = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // The reader is a JSON parser, not a browser: regular expressions stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>The UTF-8 JSON of an object, without white space.</summary>
    public static byte[] Serialize(ApisixObject value) => value switch
    {
        Secret secret => JsonSerializer.SerializeToUtf8Bytes(secret, Context.Secret),
        TlsContext context => JsonSerializer.SerializeToUtf8Bytes(context, Context.TlsContext),
        Upstream upstream => JsonSerializer.SerializeToUtf8Bytes(upstream, Context.Upstream),
        Route route => JsonSerializer.SerializeToUtf8Bytes(route, Context.Route),
        VirtualHost virtualHost => JsonSerializer.SerializeToUtf8Bytes(virtualHost, Context.VirtualHost),
        Ssl ssl => JsonSerializer.SerializeToUtf8Bytes(ssl, Context.Ssl),
        StreamRoute streamRoute => JsonSerializer.SerializeToUtf8Bytes(streamRoute, Context.StreamRoute),
        Listener listener => JsonSerializer.SerializeToUtf8Bytes(listener, Context.Listener),
        _ => throw new ArgumentException($"no JSON form for {value.GetType().Name}", nameof(value)),
    };
}

[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(TlsContext))]
[JsonSerializable(typeof(Upstream))]
[JsonSerializable(typeof(Route))]
[JsonSerializable(typeof(VirtualHost))]
[JsonSerializable(typeof(Ssl))]
[JsonSerializable(typeof(StreamRoute))]
[JsonSerializable(typeof(Listener))]
[JsonSerializable(typeof(ChainFilter))]
internal sealed partial class ObjectJsonContext : JsonSerializerContext;
