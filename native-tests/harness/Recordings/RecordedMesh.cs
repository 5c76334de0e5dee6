using System.IO.Compression;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace Amesh.Harness.Recordings;

/// <summary>A recording read to its end: the steps in their order, what each set and removed, and the mesh as it stood after each.</summary>
internal sealed class RecordedMesh
{
    private RecordedMesh(string folder, IReadOnlyList<RecordedStep> steps)
    {
        Folder = folder;
        Steps = steps;
    }

    /// <summary>The recording's folder.</summary>
    public string Folder { get; }

    /// <summary>The steps in order.</summary>
    public IReadOnlyList<RecordedStep> Steps { get; }

    /// <summary>Every endpoint address that any step names.</summary>
    public IEnumerable<string> Addresses => Steps.SelectMany(static step => step.State.Addresses).Distinct();

    /// <summary>The identities that any step's clusters expect of each endpoint.</summary>
    public IReadOnlyDictionary<string, IReadOnlyCollection<string>> Identities => Steps.SelectMany(static step => step.State.Identities).GroupBy(static one => one.Address, static one => one.Identity)
        .ToDictionary(static group => group.Key, static group => (IReadOnlyCollection<string>)group.ToHashSet());

    /// <summary>Reads a recording; the form that is there if the one asked for is not.</summary>
    public static RecordedMesh Read(string folder, string protocol = "delta")
    {
        if (!File.Exists(Path.Combine(folder, protocol + ".pb.gz")))
        {
            protocol = protocol == "delta" ? "sotw" : "delta";
        }
        var events = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, protocol + ".events.json"))).RootElement;
        var bytes = Unzip(Path.Combine(folder, protocol + ".pb.gz"));
        var about = About(Path.Combine(folder, "scenario.yaml"));
        var state = new MeshState();
        var steps = new List<RecordedStep>();
        foreach (var item in events.EnumerateArray())
        {
            var name = item.GetProperty("step").GetString()!;
            if (steps.Count == 0 || steps[^1].Name != name)
            {
                state = state.Clone();
                steps.Add(new RecordedStep(name, about.GetValueOrDefault(name, ""), state));
            }
            if (item.GetProperty("dir").GetString() == "response")
            {
                var response = Wire.Delimited(bytes.AsMemory(item.GetProperty("offset").GetInt32(), item.GetProperty("length").GetInt32()));
                state.Apply(response, protocol == "delta", item.GetProperty("type_url").GetString()!, steps[^1]);
            }
        }
        return new RecordedMesh(folder, steps);
    }

    private static byte[] Unzip(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var all = new MemoryStream();
        file.CopyTo(all);
        return all.ToArray();
    }

    private static Dictionary<string, string> About(string path)
    {
        var yaml = new YamlStream();
        using var text = File.OpenText(path);
        yaml.Load(text);
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        return ((YamlSequenceNode)root["steps"]).Cast<YamlMappingNode>().ToDictionary(
            static step => ((YamlScalarNode)step["name"]).Value!,
            static step => step.Children.TryGetValue("about", out var about) ? ((YamlScalarNode)about).Value!.Trim() : "");
    }
}

/// <summary>One step of a recording.</summary>
/// <param name="Name">The step's name.</param>
/// <param name="About">What it is about, in the scenario's words.</param>
/// <param name="State">The mesh after the step.</param>
internal sealed record RecordedStep(string Name, string About, MeshState State)
{
    /// <summary>Resources that the step sent and that were new or different, as TYPE/NAME.</summary>
    public SortedSet<string> Set { get; } = new(StringComparer.Ordinal);

    /// <summary>Resources that the step removed, as TYPE/NAME.</summary>
    public SortedSet<string> Removed { get; } = new(StringComparer.Ordinal);
}
