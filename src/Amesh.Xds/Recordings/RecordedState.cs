using System.Collections.Immutable;
using Amesh.Xds.Ads;

namespace Amesh.Xds.Recordings;

/// <summary>The resources that a proxy holds at one moment: type URL to name to the resource's own bytes. Does not change.</summary>
public sealed record RecordedState(string Step, ImmutableDictionary<string, ImmutableDictionary<string, ReadOnlyMemory<byte>>> Resources)
{
    /// <summary>The resources of a type; none where the type does not occur.</summary>
    public ImmutableDictionary<string, ReadOnlyMemory<byte>> Of(string typeUrl) =>
        Resources.GetValueOrDefault(typeUrl, ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty);

    /// <summary>What the recorded client held at the end of each step, one state per step of the recording.</summary>
    /// <param name="recording">The recording.</param>
    /// <param name="preferred">The stream to go by where both protocols were recorded.</param>
    /// <exception cref="SourceException">A recorded message is none.</exception>
    public static IReadOnlyList<RecordedState> AtEachStep(Recording recording, AdsProtocol preferred)
    {
        RecordedTraffic stream = recording.Stream(preferred);
        ILookup<string, RecordedEvent> byStep = stream.Events.ToLookup(recorded => recorded.Step);
        Dialect dialect = Dialect.Of(stream.Protocol);
        var states = new List<RecordedState>();
        var now = ImmutableDictionary<string, ImmutableDictionary<string, ReadOnlyMemory<byte>>>.Empty;
        var subscribed = new Dictionary<string, HashSet<string>>();
        foreach (string step in recording.Steps)
        {
            foreach (RecordedEvent recorded in byStep[step])
            {
                if (!recorded.IsResponse)
                {
                    Follow(stream.Protocol, recorded, subscribed);
                    continue;
                }

                try
                {
                    Response response = dialect.Read(recorded.Message);
                    now = now.SetItem(response.TypeUrl, Take(now.GetValueOrDefault(response.TypeUrl, ImmutableDictionary<string, ReadOnlyMemory<byte>>.Empty), response));
                }
                catch (MalformedResponseException e)
                {
                    throw new SourceException($"{recording.Directory}: {Recording.FileName(stream.Protocol)}.pb.gz, step {step}, {recorded.AtMilliseconds} ms: {e.Message}", e);
                }
            }

            states.Add(new RecordedState(step, Wanted(now, subscribed)));
        }

        return states;
    }

    private static ImmutableDictionary<string, ReadOnlyMemory<byte>> Take(ImmutableDictionary<string, ReadOnlyMemory<byte>> held, Response response) =>
        (response.Complete ? held.Clear() : held.RemoveRange(response.Removed))
        .SetItems(response.Resources.Select(resource => KeyValuePair.Create(resource.Name, resource.Body)));

    private static void Follow(AdsProtocol protocol, RecordedEvent request, Dictionary<string, HashSet<string>> subscribed)
    {
        if (TypeUrls.IsWildcard(request.TypeUrl))
        {
            return;
        }

        if (protocol == AdsProtocol.Sotw)
        {
            subscribed[request.TypeUrl] = [.. request.Names];
            return;
        }

        if (!subscribed.TryGetValue(request.TypeUrl, out HashSet<string>? names))
        {
            subscribed[request.TypeUrl] = names = [];
        }

        names.UnionWith(request.Subscribe);
        names.ExceptWith(request.Unsubscribe);
    }

    // What is no longer subscribed to is no longer held, though nobody took it back.
    private static ImmutableDictionary<string, ImmutableDictionary<string, ReadOnlyMemory<byte>>> Wanted(
        ImmutableDictionary<string, ImmutableDictionary<string, ReadOnlyMemory<byte>>> held, Dictionary<string, HashSet<string>> subscribed)
    {
        foreach ((string typeUrl, HashSet<string> names) in subscribed)
        {
            if (held.TryGetValue(typeUrl, out ImmutableDictionary<string, ReadOnlyMemory<byte>>? resources))
            {
                held = held.SetItem(typeUrl, resources.RemoveRange(resources.Keys.Where(name => !names.Contains(name))));
            }
        }

        return held;
    }
}
