using System.Text.Json;
using Amesh.Xds.Json;
using Envoy.Config.Core.V3;

namespace Amesh.Xds.Nodes;

/// <summary>Who a proxy says it is. Given as JSON, taken from an Envoy bootstrap, or made from the environment of an Istio proxy.</summary>
public static class NodeIdentity
{
    /// <summary>The name under which Amesh goes where a node does not say otherwise.</summary>
    private const string UserAgent = "amesh";

    /// <summary>
    /// From proto3 JSON of an <c>envoy.config.core.v3.Node</c>, as in a recording's <c>node.json</c>; field names in either style.
    /// </summary>
    /// <param name="json">The text; YAML is taken too.</param>
    /// <param name="name">What errors call it: usually a file.</param>
    /// <exception cref="SourceException">It is no node.</exception>
    public static Node FromJson(string json, string name = "node")
    {
        using JsonDocument document = YamlJson.ParseOne(json, name);
        return Decode(document.RootElement, name);
    }

    /// <summary>From the <c>node</c> section of an Envoy bootstrap, JSON or YAML, such as Kuma's <c>/bootstrap</c> answers.</summary>
    /// <exception cref="SourceException">The file cannot be read or has no usable node.</exception>
    public static Node FromBootstrap(string file)
    {
        try
        {
            using JsonDocument document = YamlJson.ParseOne(File.ReadAllText(file), file);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("node", out JsonElement node)
                ? Decode(node, $"{file}: node")
                : throw new SourceException($"{file}: there is no node section in it");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"{file}: {e.Message}", e);
        }
    }

    /// <summary>From the environment that Istio's injector gives a proxy. See <see cref="IstioEnvironment"/>.</summary>
    /// <param name="environment">The variables. Passed in, since nginx purges the environment of its workers.</param>
    /// <param name="labelsFile">The labels of the pod as the downward API writes them; a file that is missing is no error.</param>
    /// <exception cref="SourceException">A variable has a value that cannot be used.</exception>
    public static Node FromEnvironment(IReadOnlyDictionary<string, string> environment, string labelsFile = IstioEnvironment.LabelsFile)
    {
        Node node = IstioEnvironment.Node(environment, labelsFile);
        node.UserAgentName = UserAgent;
        return node;
    }

    private static Node Decode(JsonElement json, string path)
    {
        var notes = new List<string>();
        try
        {
            Node node = Node.Parser.ParseFrom(ProtoJson.Encode(json, Node.Descriptor, path, notes));
            if (node.Id.Length == 0)
            {
                throw new SourceException($"{path}: the node has no id");
            }

            if (node.UserAgentName.Length == 0)
            {
                node.UserAgentName = UserAgent;
            }

            return node;
        }
        catch (ProtoJsonException e)
        {
            throw new SourceException(e.Message, e);
        }
    }
}
