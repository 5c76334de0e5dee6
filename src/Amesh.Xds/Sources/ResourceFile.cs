using System.Text.Json;
using Amesh.Xds.Json;
using Amesh.Xds.Store;
using Google.Protobuf.Reflection;

namespace Amesh.Xds.Sources;

/// <summary>
/// Reads one file of resources, JSON or YAML with any number of documents. A document is a resource (an object with
/// <c>@type</c>), a list of resources, or a <c>DiscoveryResponse</c> or <c>DeltaDiscoveryResponse</c> (an object with
/// <c>resources</c>).
/// </summary>
internal static class ResourceFile
{
    public static bool IsOne(string file) => Path.GetExtension(file) is ".json" or ".yaml" or ".yml" && !Path.GetFileName(file).StartsWith('.');

    /// <param name="text">The content.</param>
    /// <param name="name">What errors call the file.</param>
    /// <param name="notes">Takes a line for everything that was left out.</param>
    /// <exception cref="SourceException">Something in the file is wrong; the message has the file, the place and the reason.</exception>
    public static List<(string TypeUrl, string Name, ReadOnlyMemory<byte> Body)> Read(string text, string name, ICollection<string> notes)
    {
        var resources = new List<(string, string, ReadOnlyMemory<byte>)>();
        List<JsonDocument> documents = YamlJson.Parse(text, name);
        try
        {
            for (int i = 0; i < documents.Count; i++)
            {
                ReadDocument(documents[i].RootElement, documents.Count == 1 ? $"{name}: $" : $"{name}: document {i + 1}", notes, resources);
            }

            return resources;
        }
        catch (ProtoJsonException e)
        {
            throw new SourceException(e.Message, e);
        }
        finally
        {
            documents.ForEach(document => document.Dispose());
        }
    }

    private static void ReadDocument(JsonElement json, string path, ICollection<string> notes, List<(string, string, ReadOnlyMemory<byte>)> resources)
    {
        if (json.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (json.ValueKind == JsonValueKind.Array)
        {
            ReadList(json, path, notes, resources);
            return;
        }

        if (json.ValueKind == JsonValueKind.Object && !json.TryGetProperty("@type", out _) && json.TryGetProperty("resources", out JsonElement list))
        {
            ReadList(list, path + ".resources", notes, resources);
            return;
        }

        resources.Add(ReadResource(json, path, notes));
    }

    private static void ReadList(JsonElement list, string path, ICollection<string> notes, List<(string, string, ReadOnlyMemory<byte>)> resources)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw new ProtoJsonException($"{path}: a list was expected, not {ProtoJson.Kind(list)}");
        }

        int place = 0;
        foreach (JsonElement item in list.EnumerateArray())
        {
            resources.Add(ReadResource(item, $"{path}[{place++}]", notes));
        }
    }

    private static (string TypeUrl, string Name, ReadOnlyMemory<byte> Body) ReadResource(JsonElement json, string path, ICollection<string> notes)
    {
        // The wrapper of Delta, with or without its own @type.
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("resource", out JsonElement wrapped)
            && (!json.TryGetProperty("@type", out JsonElement wrapper) || wrapper.GetString() == TypeUrls.Resource))
        {
            (json, path) = (wrapped, path + ".resource");
        }

        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("@type", out JsonElement type) || type.ValueKind != JsonValueKind.String)
        {
            throw new ProtoJsonException($"{path}: neither a resource (an object with \"@type\") nor a response (an object with \"resources\")");
        }

        string typeUrl = type.GetString()!;
        if (!TypeUrls.InOrder.Contains(typeUrl))
        {
            throw new ProtoJsonException($"{path}: {typeUrl} is not a type of resource that is read from files; those are {string.Join(", ", TypeUrls.InOrder.Select(known => known[(known.LastIndexOf('.') + 1)..]))}");
        }

        MessageDescriptor descriptor = KnownTypes.Find(typeUrl)!;
        byte[] body = ProtoJson.EncodeFields(json, descriptor, path, notes, skip: "@type");
        string name = WireFields.Text(body, 1);
        return name.Length > 0 ? (typeUrl, name, body) : throw new ProtoJsonException($"{path}: the resource has no name");
    }
}
