using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Amesh.Xds.Recordings;
using Amesh.Xds.Sources;
using Amesh.Xds.Tests.Ads;

namespace Amesh.Xds.Tests.Recordings;

public sealed class RecordingTests
{
    public static TheoryData<string> All => [.. Repository.Recordings.Where(name => !name.Contains("scale-"))];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_recording_opens_and_its_bytes_are_what_its_events_say(string name)
    {
        Recording recording = Recording.Open(Repository.Sample(name));
        Assert.NotEmpty(recording.Steps);
        foreach (AdsProtocol protocol in recording.Protocols)
        {
            Dialect dialect = Dialect.Of(protocol);
            foreach (RecordedEvent recorded in recording.Stream(protocol).Events.Where(recorded => recorded.IsResponse))
            {
                Response response = dialect.Read(recorded.Message);
                Assert.Equal((recorded.TypeUrl, recorded.Nonce), (response.TypeUrl, response.Nonce));
                Assert.Equal(recorded.Names, response.Resources.Select(resource => resource.Name));
                Assert.Equal(recorded.Removed, response.Removed);
                Assert.Empty(response.Unreadable);
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_follower_wants_what_the_recorded_client_subscribed_to(string name)
    {
        Recording recording = Recording.Open(Repository.Sample(name));
        foreach (AdsProtocol protocol in recording.Protocols)
        {
            Dialect dialect = Dialect.Of(protocol);
            var follower = new ResourceFollower();
            var subscribed = new Dictionary<string, HashSet<string>>();
            foreach (RecordedEvent recorded in recording.Stream(protocol).Events)
            {
                if (recorded.IsResponse)
                {
                    Response response = dialect.Read(recorded.Message);
                    follower.Apply(new DiscoveryUpdate(response.TypeUrl, response.Version, response.Resources, response.Removed, response.Complete));
                }
                else if (!TypeUrls.IsWildcard(recorded.TypeUrl))
                {
                    HashSet<string> names = subscribed.TryGetValue(recorded.TypeUrl, out HashSet<string>? before) ? before : subscribed[recorded.TypeUrl] = [];
                    if (protocol == AdsProtocol.Sotw)
                    {
                        names.Clear();
                    }

                    names.UnionWith(recorded.Names.Concat(recorded.Subscribe));
                    names.ExceptWith(recorded.Unsubscribe);
                }
            }

            foreach ((string typeUrl, HashSet<string> names) in subscribed)
            {
                Assert.Equal(names.Order(StringComparer.Ordinal), follower.Wanted(typeUrl).Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void Sotw_and_delta_were_recorded_with_the_same_resources_in_every_step_but_the_last()
    {
        Recording recording = Recording.Open(Repository.Sample("istio/bookinfo"));
        Assert.Equal(17, recording.Steps.Count);
        IReadOnlyList<RecordedState> sotw = RecordedState.AtEachStep(recording, AdsProtocol.Sotw);
        IReadOnlyList<RecordedState> delta = RecordedState.AtEachStep(recording, AdsProtocol.Delta);

        // In the last step, the removal of all destination rules at once, istiod's Delta did not take back all subsets.
        for (int i = 0; i < 16; i++)
        {
            Assert.Equal("", HeldResources.Difference(HeldResources.PictureOf(sotw[i].Of), HeldResources.PictureOf(delta[i].Of)));
        }
    }

    [Theory]
    [InlineData(AdsProtocol.Sotw)]
    [InlineData(AdsProtocol.Delta)]
    public async Task What_is_recorded_from_a_replay_replays_the_same_bytes(AdsProtocol protocol)
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<RecordedState> original;
        using (var writer = new RecordingWriter(folder.File("again"), NodeIdentity.FromJson("""{"id": "again"}"""), keepPrivateKeys: false))
        {
            await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", protocol, observer: writer);
            original = session.States;
            foreach (RecordedState state in session.States)
            {
                if (state.Step != "base")
                {
                    writer.BeginStep(state.Step);
                }

                session.Server.MoveTo(state.Step);
                await session.HoldsAsync(state);
            }
        }

        Recording again = Recording.Open(folder.File("again"));
        Assert.Equal([protocol], again.Protocols);
        Assert.Equal("again", NodeIdentity.FromJson(again.ReadNode()!).Id);
        IReadOnlyList<RecordedState> states = RecordedState.AtEachStep(again, protocol);
        Assert.Equal(original.Select(state => state.Step), states.Select(state => state.Step));
        Assert.All(original.Zip(states), pair => Assert.Equal("", HeldResources.Difference(HeldResources.PictureOf(pair.First.Of), HeldResources.PictureOf(pair.Second.Of))));
    }

    [Fact]
    public async Task A_source_plays_up_to_a_step_with_a_batch_for_each()
    {
        var held = new HeldResources();
        var steps = new List<string>();
        var source = new RecordingSource(Repository.Sample("istio/bookinfo"), new RecordingSourceOptions { LastStep = "all-v1", AfterStep = steps.Add, Protocol = AdsProtocol.Sotw });
        await source.RunAsync(held, default);
        Assert.Equal(["base", "subsets", "all-v1"], steps);
        Assert.Equal(3, held.Batches);
        RecordedState expected = RecordedState.AtEachStep(Recording.Open(Repository.Sample("istio/bookinfo")), AdsProtocol.Sotw)[2];
        Assert.Equal("", HeldResources.Difference(HeldResources.PictureOf(expected.Of), held.Picture));
    }

    [Fact]
    public void A_step_in_which_nothing_was_sent_is_a_step()
    {
        Recording recording = Recording.Open(Repository.Sample("consul/bookinfo"));
        Assert.Equal(11, recording.Steps.Count);
        Assert.Equal(11, RecordedState.AtEachStep(recording, AdsProtocol.Delta).Count);
    }

    [Fact]
    public async Task A_disk_that_is_full_ends_the_recording_and_is_told()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("delta.events.json"), "/dev/full");
        var writer = new RecordingWriter(folder.Path, new Envoy.Config.Core.V3.Node { Id = "n" }, keepPrivateKeys: true);
        var options = new AdsClientOptions { Address = new Uri("http://127.0.0.1:1"), Node = new Envoy.Config.Core.V3.Node { Id = "n" }, Observer = writer };
        var client = new AdsClient(options, () => new ScriptedControlPlane(), TimeProvider.System, new Random(1));

        SourceException error = await Assert.ThrowsAsync<SourceException>(() => client.RunAsync(new HeldResources(), CancellationToken.None));

        Assert.StartsWith(folder.Path + ": No space left", error.Message, StringComparison.Ordinal);
        writer.Dispose();
    }

    [Fact]
    public void What_is_no_recording_is_told_in_one_line()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no such folder", Assert.Throws<SourceException>(() => Recording.Open(folder.File("nowhere"))).Message);
        Assert.Contains("neither sotw.pb.gz nor delta.pb.gz", Assert.Throws<SourceException>(() => Recording.Open(folder.Path)).Message);
        File.WriteAllText(folder.File("sotw.pb.gz"), "no gzip");
        Assert.Contains("sotw.events.json: missing", Assert.Throws<SourceException>(() => Recording.Open(folder.Path)).Message);
        File.WriteAllText(folder.File("sotw.events.json"), "[]");
        Assert.Contains("sotw.pb.gz: ", Assert.Throws<SourceException>(() => Recording.Open(folder.Path)).Message);
        File.Copy(Path.Combine(Repository.Sample("istio/bookinfo"), "sotw.pb.gz"), folder.File("sotw.pb.gz"), overwrite: true);
        File.WriteAllText(folder.File("sotw.events.json"), """[{"step": "a", "dir": "response", "type_url": "t", "offset": 0, "length": 99999999}]""");
        string message = Assert.Throws<SourceException>(() => Recording.Open(folder.Path)).Message;
        Assert.Contains("event 0: offset 0, length 99999999", message);
        Assert.DoesNotContain('\n', message);
    }
}
