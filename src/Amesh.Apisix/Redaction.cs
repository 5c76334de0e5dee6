using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Amesh.Apisix;

/// <summary>
/// Objects as they may be shown: in place of certificates, authorities and keys stands that they were left out, with the
/// SHA-256 fingerprint of a certificate so that a rotation can be seen.
/// </summary>
public static class Redaction
{
    // What may hold a key or stands beside one, by its name in Amesh's objects and in APISIX's ssls.
    private static readonly HashSet<string> Fields = ["certificate", "key", "ca", "crl", "cert", "certs", "keys", "jwks"];

    /// <summary>Whether objects of a kind hold secrets: those may neither be shown as they are nor be written to a disk.</summary>
    public static bool IsSecret(ObjectKind kind) => kind is ObjectKind.Secret or ObjectKind.Ssl;

    /// <summary>An object as it may be shown.</summary>
    /// <param name="key">Where it stands.</param>
    /// <param name="json">Its JSON.</param>
    public static JsonNode? Of(ObjectKey key, ReadOnlySpan<byte> json)
    {
        JsonNode? node = JsonNode.Parse(json);
        if (IsSecret(key.Kind))
        {
            Redact(node);
        }

        return node;
    }

    private static void Redact(JsonNode? node)
    {
        if (node is JsonArray items)
        {
            foreach (JsonNode? item in items)
            {
                Redact(item);
            }
        }
        else if (node is JsonObject members)
        {
            foreach ((string name, JsonNode? value) in members.ToArray())
            {
                if (!Fields.Contains(name))
                {
                    Redact(value);
                }
                else if (value is JsonArray list)
                {
                    members[name] = new JsonArray([.. list.Select(item => (JsonNode?)Instead(name, item))]);
                }
                else
                {
                    members[name] = Instead(name, value);
                }
            }
        }
    }

    private static JsonValue Instead(string name, JsonNode? value) =>
        JsonValue.Create(name is "certificate" or "cert" or "certs" && value is JsonValue text && Fingerprint(text.ToString()) is { } fingerprint
            ? $"redacted, SHA-256 {fingerprint}"
            : "redacted");

    // Of the first certificate, as openssl x509 -fingerprint -sha256 tells it, without its colons.
    private static string? Fingerprint(string pem)
    {
        if (!PemEncoding.TryFind(pem, out PemFields fields) || pem[fields.Label] != "CERTIFICATE")
        {
            return null;
        }

        byte[] certificate = Convert.FromBase64String(pem[fields.Base64Data]);
        return Convert.ToHexStringLower(SHA256.HashData(certificate));
    }
}
