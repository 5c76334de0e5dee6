using System.Text.Json;
using System.Text.Json.Nodes;
using Amesh.Apisix;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Amesh.Xds.Store;

namespace Amesh.Translation.Tests.Meshes;

/// <summary>What must hold for every mesh that was ever recorded.</summary>
public class PropertyTests
{
    public static TheoryData<string> Recordings => [.. MeshRun.Recordings];

    public static TheoryData<string> RecordedTwice =>
        [.. MeshRun.Recordings.Where(name => MeshRun.Open(name).Protocols.Count == 2)];

    [Theory]
    [MemberData(nameof(RecordedTwice))]
    public async Task Sotw_and_Delta_end_in_the_same_bytes_at_every_step(string recording)
    {
        IReadOnlyList<MeshStep> sotw = await MeshRun.PlayAsync(recording, AdsProtocol.Sotw);
        IReadOnlyList<MeshStep> delta = await MeshRun.PlayAsync(recording, AdsProtocol.Delta);

        Assert.Equal(sotw.Select(s => s.Step), delta.Select(s => s.Step));
        Assert.NotEmpty(delta[0].Objects);
        for (int i = 0; i < sotw.Count; i++)
        {
            MeshRun.AssertSame(WithoutSecrets(sotw[i].Objects), WithoutSecrets(delta[i].Objects));
        }
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Change_sets_add_up_to_the_objects(string recording)
    {
        foreach (AdsProtocol protocol in new[] { AdsProtocol.Sotw, AdsProtocol.Delta })
        {
            var held = new Dictionary<string, string>();
            foreach (MeshStep step in await MeshRun.PlayAsync(recording, protocol))
            {
                foreach (ChangeSet changes in step.Changes)
                {
                    foreach (ObjectKey key in changes.Removed)
                    {
                        Assert.True(held.Remove(key.ToString()));
                    }

                    foreach ((string key, string json) in MeshRun.Texts(changes.Set))
                    {
                        Assert.False(held.TryGetValue(key, out string? before) && before == json, $"{key} was written again unchanged");
                        held[key] = json;
                    }
                }

                MeshRun.AssertSame(step.Objects, held);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Nothing_names_what_is_not_there(string recording)
    {
        foreach (MeshStep step in await MeshRun.PlayAsync(recording, AdsProtocol.Delta))
        {
            foreach ((string key, string json) in step.Objects)
            {
                using JsonDocument document = JsonDocument.Parse(json);
                foreach (string named in Named(document.RootElement, key))
                {
                    Assert.True(step.Objects.ContainsKey(named), $"step {step.Step}: {key} names {named}, which is not there");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task A_restart_from_nothing_and_any_order_of_arrival_end_in_the_same_bytes(string recording)
    {
        MeshStep last = (await MeshRun.PlayAsync(recording, AdsProtocol.Delta))[^1];
        List<DiscoveryUpdate> resources = ResourcesAt(recording, ^1);
        foreach (int seed in new[] { 1, 2, 3 })
        {
            var random = new Random(seed);
            var store = new ResourceStore(new Translator().Into(out Translator translator));
            translator.ReadFrom(store);
            DiscoveryUpdate[] shuffled = [.. resources];
            random.Shuffle(shuffled);

            // Twice: what came before its name was known is dropped, as a client that subscribes would never have got it.
            foreach (DiscoveryUpdate update in shuffled.Concat(resources))
            {
                Assert.Empty(store.Apply(update));
                if (random.Next(3) == 0)
                {
                    store.Quiet();
                }
            }

            store.Quiet();
            MeshRun.AssertSame(last.Objects, MeshRun.Texts(translator.Objects));
            AssertCounts(translator);
        }
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Removing_everything_leaves_nothing(string recording)
    {
        var store = new ResourceStore(new Translator().Into(out Translator translator));
        translator.ReadFrom(store);
        List<DiscoveryUpdate> resources = ResourcesAt(recording, 0);
        foreach (DiscoveryUpdate update in resources)
        {
            store.Apply(update);
        }

        store.Quiet();
        Assert.NotEmpty(translator.Objects);
        foreach (DiscoveryUpdate update in resources)
        {
            store.Apply(update with { Resources = [], Removed = [.. update.Resources.Select(r => r.Name)] });
        }

        store.Quiet();
        Assert.Empty(translator.Objects);
        Assert.Empty(translator.Diagnostics);
        AssertCounts(translator);
    }

    // The counts are kept beside what they count.
    private static void AssertCounts(Translator translator)
    {
        foreach (ObjectKind kind in Enum.GetValues<ObjectKind>())
        {
            Assert.Equal(translator.Objects.Count(o => o.Key.Kind == kind), translator.Count(kind));
        }

        foreach (Severity severity in Enum.GetValues<Severity>())
        {
            Assert.Equal(translator.Diagnostics.Count(d => d.Severity == severity), translator.Count(severity));
        }
    }

    // A control plane makes another certificate for each stream, and the two were recorded one after the other.
    private static Dictionary<string, string> WithoutSecrets(IReadOnlyDictionary<string, string> objects) => objects.ToDictionary(
        o => o.Key,
        o => Redaction.IsSecret(ObjectKey.Parse(o.Key)!.Value.Kind)
            ? string.Join(' ', JsonNode.Parse(o.Value)!.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal))
            : o.Value);

    // Each resource of a step as an update of its own, in Envoy's order.
    private static List<DiscoveryUpdate> ResourcesAt(string recording, Index step)
    {
        IReadOnlyList<RecordedState> states = RecordedState.AtEachStep(MeshRun.Open(recording), AdsProtocol.Delta);
        RecordedState state = states[step.GetOffset(states.Count)];
        return
        [
            .. TypeUrls.InOrder.SelectMany(typeUrl => state.Of(typeUrl)
                .OrderBy(resource => resource.Key, StringComparer.Ordinal)
                .Select(resource => new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(resource.Key, "1", resource.Value)], [], false))),
        ];
    }

    private static IEnumerable<string> Named(JsonElement element, string key)
    {
        if (element.TryGetProperty("upstream_id", out JsonElement upstream))
        {
            yield return "/upstreams/" + upstream.GetString();
        }

        if (key.StartsWith("/upstreams/", StringComparison.Ordinal) && element.TryGetProperty("labels", out JsonElement labels))
        {
            if (labels.TryGetProperty("amesh_tls", out JsonElement context))
            {
                yield return "/tls_contexts/" + context.GetString();
            }

            foreach (JsonProperty label in labels.EnumerateObject().Where(label => label.Name.StartsWith("amesh_groups", StringComparison.Ordinal)))
            {
                foreach (string group in label.Value.GetString()!.Split(','))
                {
                    yield return "/upstreams/" + group.Split('=')[0];
                }
            }
        }

        if (key.StartsWith("/virtual_hosts/", StringComparison.Ordinal))
        {
            foreach (JsonElement route in element.GetProperty("routes").EnumerateArray())
            {
                yield return "/routes/" + route.GetString();
            }
        }

        if (element.TryGetProperty("plugins", out JsonElement plugins))
        {
            JsonElement amesh = plugins.GetProperty("amesh");
            foreach (string list in new[] { "clusters", "mirrors" })
            {
                foreach (JsonElement target in amesh.TryGetProperty(list, out JsonElement targets) ? targets.EnumerateArray() : default)
                {
                    if (target.TryGetProperty("upstream_id", out JsonElement id))
                    {
                        yield return "/upstreams/" + id.GetString();
                    }
                }
            }
        }
    }
}

internal static class TranslatorExtensions
{
    public static Translator Into(this Translator translator, out Translator same) => same = translator;
}
