using System.Text;
using Amesh.Apisix;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Amesh.Translation.Tests.Filters;

/// <summary>Messages from JSON in Envoy's words, and filters as the JSON that they become.</summary>
internal static class FilterJson
{
    private static readonly JsonParser _parser = new(JsonParser.Settings.Default.WithTypeRegistry(TypeRegistry.FromFiles(
        Envoy.Config.Rbac.V3.RbacReflection.Descriptor,
        Envoy.Extensions.Filters.Http.Rbac.V3.RbacReflection.Descriptor,
        Envoy.Extensions.Matching.CommonInputs.Ssl.V3.SslInputsReflection.Descriptor,
        Envoy.Extensions.Matching.CommonInputs.Network.V3.NetworkInputsReflection.Descriptor,
        Envoy.Type.Matcher.V3.HttpInputsReflection.Descriptor,
        Envoy.Extensions.Path.Match.UriTemplate.V3.UriTemplateMatchReflection.Descriptor)));

    public static T Message<T>(string json)
        where T : IMessage, new() => _parser.Parse<T>(json.Replace("'", "\"", StringComparison.Ordinal).Replace("@T/", "type.googleapis.com/", StringComparison.Ordinal));

    public static string Of(ChainFilter filter) => Of([filter])[1..^1];

    public static string Of(IReadOnlyList<ChainFilter>? filters)
    {
        string text = Encoding.UTF8.GetString(ObjectJson.Serialize(new Listener
        {
            Id = "l",
            Name = "l",
            Address = "0.0.0.0",
            Port = 1,
            Chains = [new ListenerChain { Name = "c", NetworkFilters = filters }],
        }));
        string begin = "\"network_filters\":";
        int from = text.IndexOf(begin, StringComparison.Ordinal);
        return from < 0 ? "" : text[(from + begin.Length)..text.IndexOf("}],\"id\"", StringComparison.Ordinal)];
    }
}
