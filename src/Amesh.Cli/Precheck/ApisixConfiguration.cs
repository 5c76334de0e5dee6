using System.Text.RegularExpressions;
using Amesh.Xds;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Amesh.Cli.Precheck;

/// <summary>A config.yaml of APISIX, with its variables (<c>${{NAME}}</c>, <c>${{NAME:=default}}</c>) filled in.</summary>
internal sealed partial class ApisixConfiguration
{
    private readonly YamlNode? _root;

    private ApisixConfiguration(string file, YamlNode? root, IReadOnlyList<string> unset) => (File, _root, UnsetVariables) = (file, root, unset);

    public string File { get; }

    /// <summary>Variables that have neither a value in this environment nor a default.</summary>
    public IReadOnlyList<string> UnsetVariables { get; }

    /// <exception cref="SourceException">There is no such file, or it is no YAML.</exception>
    public static ApisixConfiguration Read(string file)
    {
        if (!System.IO.File.Exists(file))
        {
            throw new SourceException($"{file}: no such file; --apisix takes the home of an APISIX, the folder with conf/config.yaml");
        }

        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(System.IO.File.ReadAllText(file)));
            YamlNode? root = yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode : null;
            var unset = new List<string>();
            foreach (YamlScalarNode scalar in root?.AllNodes.OfType<YamlScalarNode>() ?? [])
            {
                scalar.Value = Fill(scalar.Value ?? "", unset);
            }

            return new ApisixConfiguration(file, root, unset);
        }
        catch (YamlException e)
        {
            throw new SourceException($"{file}: {Explain(e, System.IO.File.ReadAllLines(file))}");
        }
    }

    private static string Explain(YamlException error, string[] lines)
    {
        int tab = Array.FindIndex(lines, static line => line.AsSpan()[..^line.AsSpan().TrimStart().Length].Contains('\t'));
        return tab >= 0 ? $"line {tab + 1} is indented by a tab; YAML takes spaces alone"
            : error.Message.StartsWith("Duplicate key", StringComparison.Ordinal) ? $"line {error.Start.Line}: {error.Message}: APISIX takes the last one alone, so put both into one"
            : $"line {error.Start.Line}, or the one before it: {error.Message} (is a colon missing, a quote, or the indentation another than around it?)";
    }

    /// <summary>A scalar, by the names on the way to it; null when there is none.</summary>
    public string? Text(params ReadOnlySpan<string> path) => Node(path) is YamlScalarNode { Value: { } value } && value is not ("" or "~" or "null") ? value : null;

    /// <summary>The scalars of a list; null when there is no list.</summary>
    public IReadOnlyList<string>? List(params ReadOnlySpan<string> path) =>
        Node(path) is YamlSequenceNode list ? [.. list.OfType<YamlScalarNode>().Select(one => one.Value ?? "")] : null;

    /// <summary>The names in a mapping; none when there is none.</summary>
    public IReadOnlyList<string> Names(params ReadOnlySpan<string> path) =>
        Node(path) is YamlMappingNode mapping ? [.. mapping.Children.Keys.OfType<YamlScalarNode>().Select(one => one.Value ?? "")] : [];

    /// <summary>What stands there; null when there is nothing.</summary>
    public YamlNode? Node(params ReadOnlySpan<string> path)
    {
        YamlNode? node = _root;
        foreach (string name in path)
        {
            node = node is YamlMappingNode mapping && mapping.Children.TryGetValue(name, out YamlNode? child) ? child : null;
        }

        return node;
    }

    /// <summary>Everywhere that a name stands in a mapping, with the names on the way to it.</summary>
    public IEnumerable<(IReadOnlyList<string> Path, long Line)> Find(string name) => _root is null ? [] : Find(_root, name, []);

    private static IEnumerable<(IReadOnlyList<string> Path, long Line)> Find(YamlNode node, string name, IReadOnlyList<string> path) => node switch
    {
        YamlMappingNode mapping => mapping.Children.SelectMany(child =>
        {
            IReadOnlyList<string> below = [.. path, (child.Key as YamlScalarNode)?.Value ?? ""];
            return Find(child.Value, name, below).Concat(below[^1] == name ? [(below, child.Key.Start.Line)] : []);
        }),
        YamlSequenceNode list => list.SelectMany(one => Find(one, name, path)),
        _ => [],
    };

    private static string Fill(string text, List<string> unset) => Variable().Replace(text, match =>
    {
        string name = match.Groups[1].Value;
        string? value = Environment.GetEnvironmentVariable(name) ?? (match.Groups[2].Success ? match.Groups[2].Value : null);
        if (value is null)
        {
            unset.Add(name);
        }

        return value ?? "";
    });

    [GeneratedRegex(@"\$\{\{\s*(\w+)\s*(?::=\s*(.*?))?\s*\}\}")]
    private static partial Regex Variable();
}
