using YamlDotNet.RepresentationModel;

namespace Amesh.Harness.Demo;

/// <summary>Names of the pods behind addresses, from the scenario's world and the workloads that its steps change.</summary>
internal sealed class PodNames
{
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>Reads a recording's <c>scenario.yaml</c> and the worlds it names.</summary>
    public PodNames(string recording)
    {
        var scenario = Load(Path.Combine(recording, "scenario.yaml"));
        foreach (var world in Items(scenario, "worlds").OfType<YamlScalarNode>())
        {
            Add(Load(Path.Combine(recording, "..", "worlds", world.Value + ".yaml")));
        }
        Add(scenario);
        foreach (var step in Items(scenario, "steps").OfType<YamlMappingNode>())
        {
            Add(step);
        }
    }

    /// <summary>Short name of an endpoint: <c>reviews-v1</c>, <c>reviews-v2 (127.0.4.3)</c> for a further pod; an address that is no pod is what was called, passed through.</summary>
    public string Of(string endpoint)
    {
        var colon = endpoint.LastIndexOf(':');
        return _names.TryGetValue(endpoint[..colon], out var name) ? name + (endpoint[colon..] is ":9080" ? "" : endpoint[colon..]) : endpoint + " itself";
    }

    private void Add(YamlMappingNode node)
    {
        foreach (var workload in Items(node, "workloads").OfType<YamlMappingNode>())
        {
            var name = ((YamlScalarNode)workload["name"]).Value!;
            var pods = Items(workload, "ips").OfType<YamlScalarNode>().Select(static ip => ip.Value!).ToList();
            for (var pod = 0; pod < pods.Count; pod++)
            {
                _names[pods[pod]] = pod == 0 ? name : $"{name}#{pod + 1}";
            }
        }
    }

    private static YamlSequenceNode Items(YamlMappingNode node, string key) => node.Children.TryGetValue(key, out var items) && items is YamlSequenceNode sequence ? sequence : [];

    private static YamlMappingNode Load(string path)
    {
        var yaml = new YamlStream();
        using var text = File.OpenText(path);
        yaml.Load(text);
        return (YamlMappingNode)yaml.Documents[0].RootNode;
    }
}
