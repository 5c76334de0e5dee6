using System.Text;
using Amesh.Apisix;
using Amesh.Protos.Tests;
using Amesh.Xds.Ads;
using Amesh.Xds.Sources;
using Recording = Amesh.Xds.Recordings.Recording;

namespace Amesh.Translation.Tests.Meshes;

/// <summary>What a step of a recording came to.</summary>
/// <param name="Step">Its name.</param>
/// <param name="Changes">What the sink was given in it, in order.</param>
/// <param name="Objects">All objects after it, by key.</param>
internal sealed record MeshStep(string Step, IReadOnlyList<ChangeSet> Changes, IReadOnlyDictionary<string, string> Objects);

/// <summary>Plays a recording through the pipeline and keeps what comes out.</summary>
internal static class MeshRun
{
    /// <summary>Every folder with a recording, relative to samples/.</summary>
    public static IEnumerable<string> Recordings { get; } =
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples"), "node.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Path.Combine(Repository.Root, "samples"), Path.GetDirectoryName(file)!))
            .Order(StringComparer.Ordinal);

    public static Recording Open(string name) => Recording.Open(Path.Combine(Repository.Root, "samples", name));

    public static async Task<IReadOnlyList<MeshStep>> PlayAsync(string name, AdsProtocol protocol)
    {
        var sink = new KeepingSink();
        var steps = new List<MeshStep>();
        using var pipeline = new Pipeline(sink);
        var options = new RecordingSourceOptions
        {
            Protocol = protocol,
            AfterStep = step => steps.Add(new MeshStep(step, sink.Take(), Texts(pipeline.Translator.Objects))),
        };
        await new RecordingSource(Path.Combine(Repository.Root, "samples", name), options).RunAsync(pipeline, default);
        return steps;
    }

    /// <summary>Fails with the first objects that differ, rather than with two whole meshes.</summary>
    public static void AssertSame(IReadOnlyDictionary<string, string> expected, IReadOnlyDictionary<string, string> actual)
    {
        string[] different = [.. expected.Keys.Union(actual.Keys)
            .Where(key => expected.GetValueOrDefault(key) != actual.GetValueOrDefault(key))
            .Order(StringComparer.Ordinal)
            .Select(key => $"{key}\n  expected {expected.GetValueOrDefault(key) ?? "nothing"}\n  actual   {actual.GetValueOrDefault(key) ?? "nothing"}")];
        Assert.True(different.Length == 0, $"{different.Length} objects differ:\n{string.Join('\n', different.Take(3))}");
    }

    public static IReadOnlyDictionary<string, string> Texts(IEnumerable<ConfigObject> objects) =>
        objects.ToDictionary(o => o.Key.ToString(), o => Encoding.UTF8.GetString(o.Json.Span));
}

/// <summary>Keeps what it is given, and checks that change sets add up to the objects.</summary>
internal sealed class KeepingSink : IConfigSink
{
    private readonly List<ChangeSet> _changes = [];

    public SortedDictionary<string, string> Held { get; } = new(StringComparer.Ordinal);

    public void Commit(ChangeSet changes)
    {
        _changes.Add(changes);
        foreach (ConfigObject value in changes.Set)
        {
            Held[value.Key.ToString()] = Encoding.UTF8.GetString(value.Json.Span);
        }

        foreach (ObjectKey key in changes.Removed)
        {
            Assert.True(Held.Remove(key.ToString()), $"{key} was removed but never set");
        }
    }

    public IReadOnlyList<ChangeSet> Take()
    {
        ChangeSet[] changes = [.. _changes];
        _changes.Clear();
        return changes;
    }
}
