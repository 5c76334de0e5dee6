using System.Text.Json;

namespace Amesh.Xds.Secrets;

/// <summary>What a JSON Web Key Set may show.</summary>
public static class KeySets
{
    private static readonly string[] _private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    /// <summary>Whether a text is a JSON object that holds public keys alone. True only for what is known to be so.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isObject">Whether it is a JSON object at all.</param>
    public static bool IsPublic(string text, out bool isObject)
    {
        isObject = false;
        try
        {
            using var document = JsonDocument.Parse(text);
            isObject = document.RootElement.ValueKind == JsonValueKind.Object;
            return isObject && IsPublic(document.RootElement);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsPublic(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().All(member => !_private.Contains(member.Name) && IsPublic(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(IsPublic),
        JsonValueKind.String => element.GetString() is not { } value || (value != "oct" && !value.Contains("PRIVATE KEY", StringComparison.Ordinal)),
        _ => true,
    };
}
