using System.Reflection;
using Amesh.Translation;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;

namespace Amesh.Benchmarks;

/// <summary>The states of a recorded mesh, as updates for a pipeline.</summary>
internal sealed class Mesh
{
    private static readonly string Root = typeof(Mesh).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    private readonly IReadOnlyList<RecordedState> _steps;

    public Mesh(string recording) =>
        _steps = RecordedState.AtEachStep(Recording.Open(Path.Combine(Root, "samples", recording)), AdsProtocol.Delta);

    /// <summary>All resources of a type as one response.</summary>
    public DiscoveryUpdate All(string step, string typeUrl, bool complete = false) => new(
        typeUrl, step, [.. State(step).Of(typeUrl).Select(r => new DiscoveryResource(r.Key, step, r.Value))], [], complete);

    /// <summary>The resources of a type that differ between two steps, as they are in the second.</summary>
    public DiscoveryUpdate Changed(string before, string after, string typeUrl) => new(
        typeUrl,
        after,
        [.. State(after).Of(typeUrl)
            .Where(r => !State(before).Of(typeUrl).TryGetValue(r.Key, out ReadOnlyMemory<byte> old) || !old.Span.SequenceEqual(r.Value.Span))
            .Select(r => new DiscoveryResource(r.Key, after, r.Value))],
        [],
        false);

    /// <summary>A pipeline that holds a step.</summary>
    public Pipeline Load(string step)
    {
        var pipeline = new Pipeline(new NoSink());
        foreach (string typeUrl in TypeUrls.InOrder.Take(4))
        {
            // Twice over: what nothing names yet is dropped.
            pipeline.Apply(All(step, typeUrl));
        }

        pipeline.Apply(All(step, TypeUrls.ClusterLoadAssignment));
        pipeline.Apply(All(step, TypeUrls.RouteConfiguration));
        pipeline.Quiet();
        return pipeline;
    }

    public IReadOnlyList<string> Steps => [.. _steps.Select(s => s.Step)];

    private RecordedState State(string step) => _steps.Single(s => s.Step == step);

    private sealed class NoSink : IConfigSink
    {
        public void Commit(ChangeSet changes)
        {
        }
    }
}
