using System.Text;
using Amesh.Apisix;
using Amesh.Native.Zone;
using Amesh.Translation;
using Microsoft.Extensions.Logging.Abstractions;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Amesh.Native.Tests;

public sealed class LastGoodStateTests : IDisposable
{
    private static readonly ConfigObject[] Objects =
    [
        new(new ObjectKey(ObjectKind.Upstream, "u"), "{\"id\":\"u ü\"}"u8.ToArray()),
        new(new ObjectKey(ObjectKind.Route, "r"), "{\"id\":\"r\"}"u8.ToArray()),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("amesh-state-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_saved_is_loaded()
    {
        var state = new LastGoodState(Path.Combine(_folder, "new", "state"));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        Assert.Null(state.Load());

        state.Save([], now);
        state.Save(Objects, now);

        (DateTimeOffset saved, IReadOnlyList<ConfigObject> objects) = state.Load()!.Value;
        Assert.Equal(now, saved);
        Assert.Equal(Objects.Select(Text), objects.Select(Text));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "new", "state")));
    }

    [Fact]
    public void Certificates_and_keys_are_not_written()
    {
        string path = Path.Combine(_folder, "state");
        ConfigObject[] secrets =
        [
            new(new ObjectKey(ObjectKind.Secret, "s"), "{\"id\":\"s\",\"key\":\"KEYMATERIAL\"}"u8.ToArray()),
            new(new ObjectKey(ObjectKind.Ssl, "t"), "{\"id\":\"t\",\"key\":\"KEYMATERIAL\"}"u8.ToArray()),
        ];
        var state = new LastGoodState(path);
        state.Save([.. secrets, .. Objects], DateTimeOffset.UtcNow);

        Assert.DoesNotContain("KEYMATERIAL", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.Equal(Objects.Select(Text), state.Load()!.Value.Objects.Select(Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("something else\n")]
    [InlineData("amesh-state 1 2026-01-01T00:00:00+00:00\n/routes/r {}\n")]
    [InlineData("amesh-state 1 2026-01-01T00:00:00+00:00\nnonsense\nend\n")]
    public void A_file_that_is_not_whole_or_not_ours_is_refused_by_name(string content)
    {
        string path = Path.Combine(_folder, "state");
        File.WriteAllText(path, content);

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => new LastGoodState(path).Load());

        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Restored_objects_are_served_until_the_first_commit_replaces_them()
    {
        var config = new MemoryZone();
        var version = new MemoryZone();
        var sink = new ZoneSink(config, version);

        Assert.True(sink.TryRestore(Objects));
        Assert.Equal(["/routes/r", "/upstreams/u"], config.Keys.Where(k => k[0] == '/'));
        Assert.Equal(1, version.Number("version"));

        sink.Commit(new ChangeSet([Objects[0]], []));
        Assert.Equal(["/upstreams/u"], config.Keys.Where(k => k[0] == '/'));
        Assert.Equal("-/routes/r", Encoding.UTF8.GetString(version.Text("amesh/log/2")!));
    }

    [Fact]
    public void A_mesh_that_is_as_it_was_saved_is_taken_without_a_commit()
    {
        var version = new MemoryZone();
        var sink = new ZoneSink(new MemoryZone(), version);
        sink.TryRestore(Objects);
        Assert.False(sink.HasTaken);

        sink.Commit(new ChangeSet(Objects, []));

        Assert.True(sink.HasTaken);
        Assert.Equal(1, version.Number("version"));
    }

    [Fact]
    public void Zones_that_somebody_has_written_are_left_alone()
    {
        var config = new MemoryZone();
        var version = new MemoryZone();
        new ZoneSink(config, version).Commit(new ChangeSet([Objects[0]], []));

        Assert.False(new ZoneSink(config, version).TryRestore(Objects));
        Assert.DoesNotContain("/routes/r", config.Keys);
    }

    [Fact]
    public async Task An_instance_that_starts_without_a_control_plane_serves_what_it_served_before()
    {
        string file = Path.Combine(_folder, "state");
        new LastGoodState(file).Save(Objects, DateTimeOffset.UtcNow);
        var config = new MemoryZone();
        var version = new MemoryZone();
        var options = new StartOptions { Source = "unix:" + Path.Combine(_folder, "nobody"), StateFile = file, Node = System.Text.Json.Nodes.JsonNode.Parse("""{"id":"n"}""") };
        using var instance = new Instance(options, config, version, NullLogger.Instance);

        while (version.Number("version") is null)
        {
            await Task.Delay(10);
        }

        Assert.NotNull(config.Text("/routes/r"));
        while (instance.Status().ServingStateOf is null)
        {
            await Task.Delay(10);
        }

        Assert.True(instance.Stop(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_state_that_cannot_be_saved_is_told_once_and_saved_as_soon_as_it_can_be()
    {
        string inTheWay = Path.Combine(_folder, "in-the-way");
        File.WriteAllText(inTheWay, "");
        string file = Path.Combine(inTheWay, "state");
        var log = new Lines();
        int asked = 0;
        var keeper = new StateKeeper(new LastGoodState(file), saved => saved == 7 ? null : (7, ++asked > 0 ? Objects : []), log)
        {
            First = TimeSpan.FromMilliseconds(1),
            Interval = TimeSpan.FromMilliseconds(1),
        };
        using var stop = new CancellationTokenSource();
        Task running = keeper.RunAsync(0, stop.Token);
        while (Volatile.Read(ref asked) < 3)
        {
            await Task.Delay(1);
        }

        File.Delete(inTheWay);
        while (!File.Exists(file))
        {
            Assert.False(running.IsCompleted);
            await Task.Delay(1);
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Contains("in-the-way", log.All.First(), StringComparison.Ordinal);
        Assert.Equal(log.All.Count, log.All.Distinct().Count());
        Assert.Equal(Objects.Select(Text), new LastGoodState(file).Load()!.Value.Objects.Select(Text));
    }

    private static string Text(ConfigObject value) => $"{value.Key} {Encoding.UTF8.GetString(value.Json.Span)}";
}
