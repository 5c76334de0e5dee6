using System.Text;
using Amesh.Apisix;
using Amesh.Native.Zone;
using Amesh.Translation;

namespace Amesh.Native.Tests;

public class ZoneSinkTests
{
    private readonly MemoryZone _config = new();
    private readonly MemoryZone _version = new();

    [Fact]
    public void A_commit_is_announced_before_its_objects_and_published_after_them()
    {
        var sink = new ZoneSink(_config, _version);
        _version.Steps.Clear();

        sink.Commit(Set(Upstream("u", "1"), Route("r", "1")));

        Assert.Equal(["+amesh/pending", "+amesh/log/1", "+amesh/log_first", "+version"], _version.Steps);
        Assert.Equal(["+/upstreams/u", "+/routes/r"], _config.Steps.Where(s => s.StartsWith("+/", StringComparison.Ordinal)));
        Assert.Equal(1, _version.Number("version"));
        Assert.Equal(1, _version.Number("amesh/pending"));
        Assert.Equal("+/upstreams/u\n+/routes/r", Text(_version, "amesh/log/1"));
    }

    [Fact]
    public void Removals_come_last_and_leave_no_key_behind()
    {
        var sink = new ZoneSink(_config, _version);
        sink.Commit(Set(Upstream("u", "1"), Route("r", "1")));
        _config.Steps.Clear();

        sink.Commit(new ChangeSet([Upstream("v", "1")], [Key(ObjectKind.Route, "r"), Key(ObjectKind.Upstream, "u")]));

        Assert.Equal(["+/upstreams/v", "-/routes/r", "-/upstreams/u"], _config.Steps.Where(s => s[1] == '/'));
        Assert.Equal("+/upstreams/v\n-/routes/r\n-/upstreams/u", Text(_version, "amesh/log/2"));
        Assert.Equal(["/upstreams/v"], _config.Keys.Where(k => k[0] == '/'));
        Assert.Equal(["/upstreams/v"], new KeyRegister(_config).Read().Select(k => k.ToString()));
    }

    [Fact]
    public void A_new_process_writes_only_what_differs_and_removes_what_is_gone()
    {
        new ZoneSink(_config, _version).Commit(Set(Upstream("same", "1"), Upstream("other", "1"), Route("gone", "1")));
        _config.Steps.Clear();

        var second = new ZoneSink(_config, _version);
        second.Commit(Set(Upstream("same", "1"), Upstream("other", "2")));

        Assert.Equal(["+/upstreams/other", "-/routes/gone"], _config.Steps.Where(s => s[1] == '/'));
        Assert.Equal(2, _version.Number("version"));
    }

    [Fact]
    public void A_new_process_that_finds_everything_as_it_should_be_publishes_nothing()
    {
        new ZoneSink(_config, _version).Commit(Set(Upstream("u", "1")));

        new ZoneSink(_config, _version).Commit(Set(Upstream("u", "1")));

        Assert.Equal(1, _version.Number("version"));
    }

    [Fact]
    public void A_process_that_sees_a_newer_one_stops_writing()
    {
        var old = new ZoneSink(_config, _version);
        old.Commit(Set(Upstream("u", "1")));
        var young = new ZoneSink(_config, _version);
        young.Commit(Set(Upstream("u", "2")));

        old.Commit(Set(Upstream("u", "3")));
        old.WriteStatus("old"u8);

        Assert.True(old.IsSuperseded);
        Assert.Equal("2", Text(_config, "/upstreams/u"));
        Assert.Null(_version.Text("amesh/status"));
    }

    [Fact]
    public void A_process_that_is_superseded_amid_a_commit_leaves_it_to_the_newer_one_to_finish()
    {
        var old = new ZoneSink(_config, _version);
        old.Commit(Set(Upstream("u", "1")));
        ZoneSink? young = null;
        _config.DiesAt = step =>
        {
            young ??= step == "+/upstreams/u" ? new ZoneSink(_config, _version) : null;
            return false;
        };
        old.Commit(Set(Upstream("u", "2")));
        young!.Commit(Set(Upstream("u", "3")));

        // No number stands for two states: who has seen the one would never see the other.
        Assert.Equal(2, _version.Number("version"));
        Assert.Equal("*", Text(_version, "amesh/log/2"));
        Assert.Equal("3", Text(_config, "/upstreams/u"));
        Assert.DoesNotContain("+version", _version.Steps.Take(_version.Steps.LastIndexOf("+amesh/pending")).Skip(_version.Steps.IndexOf("+version") + 1));
    }

    [Fact]
    public void A_commit_that_an_older_process_finished_meanwhile_counts()
    {
        var old = new ZoneSink(_config, _version);
        old.Commit(Set(Upstream("u", "1")));
        var young = new ZoneSink(_config, _version);
        _ = _version.TryStore("version", 2);
        _ = _version.TryStore("amesh/pending", 2);

        young.Commit(Set(Upstream("u", "3")));

        Assert.Equal(3, _version.Number("version"));
    }

    [Fact]
    public void A_full_zone_keeps_everything_as_it_was_and_says_how_much_would_do()
    {
        var config = new MemoryZone(capacity: 400);
        var sink = new ZoneSink(config, _version);
        sink.Commit(Set(Upstream("u", "small"), Route("r", "small")));
        string[] before = [.. config.Keys];

        ConfigSinkException error = Assert.Throws<ConfigSinkException>(
            () => sink.Commit(Set(Upstream("u", "changed"), Upstream("new", "x"), Route("r", new string('x', 500)))));

        Assert.Contains("xds-config is full", error.Message, StringComparison.Ordinal);
        Assert.Contains("1m", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, config.Keys);
        Assert.Equal("small", Text(config, "/upstreams/u"));
        Assert.Equal("small", Text(config, "/routes/r"));
        Assert.Equal(1, _version.Number("version"));
        Assert.Equal(1, _version.Number("amesh/pending"));

        // And the next change that fits goes in, and is registered like any other.
        sink.Commit(Set(Upstream("u", "fits"), Upstream("new", "x")));
        Assert.Equal(2, _version.Number("version"));
        Assert.Equal(["/upstreams/new", "/upstreams/u", "/routes/r"], new KeyRegister(config).Read().Order().Select(k => k.ToString()));
    }

    [Fact]
    public void An_object_carries_the_commit_that_it_came_with()
    {
        var config = new MemoryZone(capacity: 400);
        var sink = new ZoneSink(config, _version);
        sink.Commit(Set(Upstream("u", "1"), Route("r", "1")));
        sink.Commit(Set(Route("r", "2")));
        _ = Assert.Throws<ConfigSinkException>(() => sink.Commit(Set(Upstream("u", "2"), Route("r", new string('x', 500)))));

        _ = config.Text("/upstreams/u", out long upstream);
        _ = config.Text("/routes/r", out long route);
        Assert.Equal(1, upstream);
        Assert.Equal(2, route);
    }

    [Fact]
    public void A_process_that_dies_anywhere_in_a_commit_leaves_what_its_successor_can_finish()
    {
        ChangeSet first = Set(Upstream("a", "1"), Route("r", "1"));
        ChangeSet second = new([Upstream("b", "1"), Route("r", "2")], [Key(ObjectKind.Upstream, "a")]);
        ChangeSet whole = Set(Upstream("b", "1"), Route("r", "2"));
        for (int death = 0; ; death++)
        {
            var config = new MemoryZone();
            var version = new MemoryZone();
            var sink = new ZoneSink(config, version);
            sink.Commit(first);
            int steps = 0;
            config.DiesAt = version.DiesAt = _ => steps++ == death;
            bool died = false;
            try
            {
                sink.Commit(second);
            }
            catch (MemoryZone.ProcessDied)
            {
                died = true;
            }

            config.DiesAt = version.DiesAt = _ => false;

            // Every prefix is safe: what the route needs is there.
            string upstream = Text(config, "/routes/r") == "1" ? "/upstreams/a" : "/upstreams/b";
            Assert.NotNull(config.Text(upstream));

            new ZoneSink(config, version).Commit(whole);
            Assert.Equal(["/routes/r", "/upstreams/b"], config.Keys.Where(k => k[0] == '/'));
            Assert.Equal("2", Text(config, "/routes/r"));
            Assert.Equal(version.Number("version"), version.Number("amesh/pending"));

            // And a reader that is at commit 1 hears of all that is different now, whoever wrote it.
            string log = string.Join('\n', Enumerable.Range(2, (int)version.Number("version")!.Value - 1).Select(n => Text(version, $"amesh/log/{n}")));
            Assert.True(log == "*" || log.Split('\n').ToHashSet().IsSupersetOf(["+/upstreams/b", "+/routes/r", "-/upstreams/a"]), log);
            if (!died)
            {
                break;
            }
        }
    }

    [Fact]
    public void The_log_is_bounded_and_says_where_it_begins()
    {
        var sink = new ZoneSink(_config, _version);
        for (int i = 1; i <= 300; i++)
        {
            sink.Commit(Set(Upstream("u", i.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        }

        Assert.Equal(256, _version.Keys.Count(k => k.StartsWith("amesh/log/", StringComparison.Ordinal)));
        Assert.Equal(45, _version.Number("amesh/log_first"));
        Assert.Null(_version.Text("amesh/log/44"));
        Assert.NotNull(_version.Text("amesh/log/45"));
    }

    [Fact]
    public void The_log_of_an_earlier_process_is_kept_and_counts()
    {
        var first = new ZoneSink(_config, _version);
        for (int i = 1; i <= 200; i++)
        {
            first.Commit(Set(Upstream("u", i.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        }

        var second = new ZoneSink(_config, _version);
        for (int i = 201; i <= 300; i++)
        {
            second.Commit(Set(Upstream("u", i.ToString(System.Globalization.CultureInfo.InvariantCulture))));
            Assert.InRange(_version.Keys.Count(k => k.StartsWith("amesh/log/", StringComparison.Ordinal)), 200, 256);
        }

        Assert.Equal(45, _version.Number("amesh/log_first"));
        Assert.NotNull(_version.Text("amesh/log/45"));
    }

    [Fact]
    public void A_commit_of_very_many_keys_asks_readers_to_read_everything()
    {
        new ZoneSink(_config, _version).Commit(Set([.. Enumerable.Range(0, 2000).Select(i => Upstream($"upstream-{i}", "1"))]));

        Assert.Equal("*", Text(_version, "amesh/log/1"));
    }

    [Fact]
    public void Nothing_to_write_still_says_once_that_the_mesh_is_known()
    {
        new ZoneSink(_config, _version).Commit(Set());

        Assert.Equal(1, _version.Number("version"));
    }

    private static ChangeSet Set(params ConfigObject[] objects) => new(objects, []);

    private static ConfigObject Upstream(string id, string json) => new(Key(ObjectKind.Upstream, id), Encoding.UTF8.GetBytes(json));

    private static ConfigObject Route(string id, string json) => new(Key(ObjectKind.Route, id), Encoding.UTF8.GetBytes(json));

    private static ObjectKey Key(ObjectKind kind, string id) => new(kind, id);

    private static string? Text(MemoryZone zone, string key) => zone.Text(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
}
