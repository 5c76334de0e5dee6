using System.Text.Json;
using Amesh.Apisix;
using Amesh.Translation.Tests.Meshes;
using Amesh.Xds;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Amesh.Xds.Store;

namespace Amesh.Translation.Tests.Warming;

/// <summary>What must hold for every mesh that was ever recorded, whatever order its last state comes in.</summary>
public class RecordedWarmingTests
{
    public static TheoryData<string> Recordings => [.. MeshRun.Recordings];

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Any_order_of_arrival_ends_in_the_same_bytes_and_no_listener_comes_before_its_routes(string recording)
    {
        MeshStep last = (await MeshRun.PlayAsync(recording, AdsProtocol.Delta))[^1];
        IReadOnlyList<RecordedState> states = RecordedState.AtEachStep(MeshRun.Open(recording), AdsProtocol.Delta);
        foreach (int seed in new[] { 1, 2 })
        {
            var random = new Random(seed);
            var time = new ManualTime();
            var translator = new Translator();
            var store = new ResourceStore(translator, time);
            translator.ReadFrom(store);

            // The first state, at once, and then the last one, with all that went between, resource by resource.
            foreach (DiscoveryUpdate update in Updates(states[0]))
            {
                store.Apply(update);
            }

            store.Quiet();
            store.BeginWarming();
            List<DiscoveryUpdate> updates = [.. Updates(states[^1]), .. Gone(states[0], states[^1])];
            DiscoveryUpdate[] shuffled = [.. updates];
            random.Shuffle(shuffled);

            // Twice: what came before its name was known is dropped, as a client that subscribes would never have got it.
            foreach (DiscoveryUpdate update in shuffled.Concat(updates))
            {
                Assert.Empty(store.Apply(update));
                if (random.Next(20) == 0)
                {
                    store.Quiet();
                    AssertRouted(store, translator, states[0]);
                }
            }

            // What is named and was never recorded.
            time.Pass(100);
            store.Expire();
            store.TakeAsItIs();
            store.Quiet();
            Assert.Empty(store.Warming);
            MeshRun.AssertSame(last.Objects, MeshRun.Texts(translator.Objects));
        }
    }

    // A listener that names routes which are not there would answer 404.
    private static void AssertRouted(ResourceStore store, Translator translator, RecordedState first)
    {
        HashSet<string> missing = [.. store.Missing.Where(name => name.StartsWith(TypeUrls.RouteConfiguration, StringComparison.Ordinal)).Select(name => name.Split(' ', 2)[1])];
        missing.ExceptWith(store.Incomplete.SelectMany(one => one.For).Select(name => name.Split(' ')[^1]));
        foreach (ConfigObject listener in translator.Objects.Where(o => missing.Count > 0 && o.Key.Kind == ObjectKind.Listener))
        {
            using JsonDocument document = JsonDocument.Parse(listener.Json);
            foreach (JsonElement chain in document.RootElement.GetProperty("chains").EnumerateArray())
            {
                if (chain.TryGetProperty("http", out JsonElement http) && http.GetProperty("route_config").GetString() is { } name)
                {
                    Assert.False(missing.Contains(name) && first.Of(TypeUrls.RouteConfiguration).Count > 0, $"{listener.Key} leads to {name}, which has not come");
                }
            }
        }
    }

    private static IEnumerable<DiscoveryUpdate> Updates(RecordedState state) =>
        TypeUrls.InOrder.SelectMany(typeUrl => state.Of(typeUrl)
            .OrderBy(resource => resource.Key, StringComparer.Ordinal)
            .Select(resource => new DiscoveryUpdate(typeUrl, "1", [new DiscoveryResource(resource.Key, "1", resource.Value)], [], false)));

    private static IEnumerable<DiscoveryUpdate> Gone(RecordedState before, RecordedState after) =>
        TypeUrls.InOrder.SelectMany(typeUrl => before.Of(typeUrl).Keys.Where(name => !after.Of(typeUrl).ContainsKey(name))
            .Order(StringComparer.Ordinal)
            .Select(name => new DiscoveryUpdate(typeUrl, "1", [], [name], false)));
}
