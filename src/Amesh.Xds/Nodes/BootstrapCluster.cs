using System.Text.Json;
using Amesh.Xds.Json;

namespace Amesh.Xds.Nodes;

/// <summary>Where a bootstrap of Envoy's says that one of its static clusters is.</summary>
public static class BootstrapCluster
{
    /// <summary>The name that Istio's bootstrap gives to the agent that serves secrets.</summary>
    public const string SecretServer = "sds-grpc";

    /// <summary>The address of a cluster's first endpoint: <c>unix:/path</c> or <c>http://host:port</c>; null where there is none.</summary>
    /// <exception cref="SourceException">The file cannot be read.</exception>
    public static Uri? AddressOf(string file, string cluster)
    {
        try
        {
            using JsonDocument document = YamlJson.ParseOne(File.ReadAllText(file), file);
            foreach (JsonElement one in Items(Member(Member(document.RootElement, "static_resources"), "clusters")))
            {
                if (Text(Member(one, "name")) == cluster)
                {
                    return Items(Member(Member(one, "load_assignment"), "endpoints"))
                        .SelectMany(locality => Items(Member(locality, "lb_endpoints")))
                        .Select(endpoint => AddressOf(Member(Member(endpoint, "endpoint"), "address")))
                        .FirstOrDefault(address => address is not null);
                }
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"{file}: {e.Message}", e);
        }
    }

    private static Uri? AddressOf(JsonElement? address)
    {
        // Istio writes the path of the socket relative to the root, where its proxy is started.
        if (Text(Member(Member(address, "pipe"), "path")) is { Length: > 0 } path)
        {
            return new Uri("unix:" + Path.GetFullPath(path, "/"));
        }

        JsonElement? socket = Member(address, "socket_address");
        return Text(Member(socket, "address")) is { Length: > 0 } host && Member(socket, "port_value")?.ToString() is { } port
            && Uri.TryCreate($"http://{host}:{port}", UriKind.Absolute, out Uri? uri)
            ? uri
            : null;
    }

    // A name in the field's own style or in JSON's.
    private static JsonElement? Member(JsonElement? json, string name)
    {
        string[] words = name.Split('_');
        string camel = words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
        return json is { ValueKind: JsonValueKind.Object } members
            && (members.TryGetProperty(name, out JsonElement value) || members.TryGetProperty(camel, out value))
            ? value
            : null;
    }

    private static JsonElement[] Items(JsonElement? json) => json is { ValueKind: JsonValueKind.Array } items ? [.. items.EnumerateArray()] : [];

    private static string? Text(JsonElement? json) => json is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
