namespace Amesh.Dns.Tests;

public sealed class NameLookupTests : IDisposable
{
    private readonly NameServer _server = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();
    private readonly NameLookup _lookup;

    public NameLookupTests()
    {
        Write("resolv.conf", "options timeout:1 attempts:2");
        Write("hosts", "");
        _lookup = new NameLookup(Path.Combine(_folder.FullName, "resolv.conf"), Path.Combine(_folder.FullName, "hosts"));
    }

    public void Dispose()
    {
        _lookup.Dispose();
        _server.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task All_addresses_come_in_the_answers_order_with_the_shortest_time()
    {
        _server["a.test"] = new Zone(new Record("A", "10.0.0.2", 60), new Record("A", "10.0.0.1", 20));

        LookupResult result = await LookUpAsync("a.test");

        Assert.Equal(["10.0.0.2", "10.0.0.1"], Texts(result));
        Assert.Equal(TimeSpan.FromSeconds(20), result.TimeToLive);
    }

    [Fact]
    public async Task An_alias_is_followed_and_its_own_time_counts()
    {
        _server["www.test"] = new Zone(
            new Record("CNAME", "edge.test", 5),
            new Record("CNAME", "edge2.test", 300, "edge.test"),
            new Record("A", "10.0.0.1", 300, "edge2.test"),
            new Record("A", "6.6.6.6", 300, "unasked.test"));

        LookupResult result = await LookUpAsync("www.test");

        Assert.Equal(["10.0.0.1"], Texts(result));
        Assert.Equal(TimeSpan.FromSeconds(5), result.TimeToLive);
    }

    [Fact]
    public async Task An_answer_that_is_too_big_for_a_datagram_is_asked_for_over_tcp()
    {
        _server["big.test"] = new Zone([.. Enumerable.Range(1, 500).Select(i => new Record("A", $"10.0.{i / 250}.{i % 250}"))]) { TooBigForUdp = true };

        Assert.Equal(500, (await LookUpAsync("big.test")).Addresses.Count);
        Assert.Equal(["udp A big.test", "tcp A big.test"], _server.Asked);
    }

    [Fact]
    public async Task Tcp_can_be_asked_for_from_the_start()
    {
        _server["a.test"] = new Zone(new Record("A", "10.0.0.1"));
        await LookUpAsync("a.test", query => query with { UseTcp = true });

        Assert.Equal(["tcp A a.test"], _server.Asked);
    }

    [Fact]
    public async Task No_such_name_is_an_answer_and_a_failing_server_is_not()
    {
        _server["broken.test"] = new Zone { Code = 2 };
        _server["no-address.test"] = new Zone();

        Assert.Equal(LookupStatus.Empty, (await LookUpAsync("absent.test")).Status);
        Assert.Equal(LookupStatus.Empty, (await LookUpAsync("no-address.test")).Status);
        Assert.Equal(LookupStatus.Failed, (await LookUpAsync("broken.test")).Status);
        Assert.Equal(LookupStatus.Failed, (await LookUpAsync("not..a.name")).Status);
    }

    [Fact]
    public async Task The_next_server_is_asked_when_one_fails_or_is_silent_or_gone()
    {
        using var second = new NameServer();
        _server["a.test"] = new Zone { Code = 2 };
        _server["b.test"] = new Zone { Silent = true };
        second["a.test"] = new Zone(new Record("A", "10.0.0.1"));
        second["b.test"] = new Zone(new Record("A", "10.0.0.2"));
        string servers = $"{_server.Address},{second.Address}";

        Assert.Equal(["10.0.0.1"], Texts(await LookUpAsync("a.test", query => query with { Servers = servers })));
        Assert.Equal(["10.0.0.2"], Texts(await LookUpAsync("b.test", query => query with { Servers = servers })));
        Assert.Equal(["10.0.0.2"], Texts(await LookUpAsync("b.test", query => query with { Servers = $"127.0.0.1:1,{second.Address}" })));
    }

    [Fact]
    public async Task A_silent_server_is_asked_as_often_as_resolv_conf_says()
    {
        _server["b.test"] = new Zone { Silent = true };

        Assert.Equal(LookupStatus.Failed, (await LookUpAsync("b.test")).Status);
        Assert.Equal(["udp A b.test", "udp A b.test"], _server.Asked);
    }

    [Fact]
    public async Task Forged_answers_are_passed_over()
    {
        _server["a.test"] = new Zone(new Record("A", "10.0.0.1")) { ForgedFirst = true };

        Assert.Equal(["10.0.0.1"], Texts(await LookUpAsync("a.test")));
    }

    [Fact]
    public async Task A_server_that_knows_no_extensions_is_asked_without()
    {
        _server["a.test"] = new Zone(new Record("A", "10.0.0.1")) { RefusesExtensions = true };

        Assert.Equal(["10.0.0.1"], Texts(await LookUpAsync("a.test")));
    }

    [Theory]
    [InlineData(LookupFamily.V4Only, "10.0.0.1")]
    [InlineData(LookupFamily.V6Only, "fd00::1")]
    [InlineData(LookupFamily.Auto, "fd00::1")]
    [InlineData(LookupFamily.V4Preferred, "10.0.0.1")]
    [InlineData(LookupFamily.All, "10.0.0.1", "fd00::1")]
    public async Task Families_are_Envoys(LookupFamily family, params string[] addresses)
    {
        _server["both.test"] = new Zone(new Record("A", "10.0.0.1"), new Record("AAAA", "fd00::1"));

        Assert.Equal(addresses, Texts(await LookUpAsync("both.test", query => query with { Family = family })));
    }

    [Theory]
    [InlineData(LookupFamily.Auto, "A", "10.0.0.1")]
    [InlineData(LookupFamily.V4Preferred, "AAAA", "fd00::1")]
    public async Task The_other_family_is_taken_where_there_is_none_of_the_first(LookupFamily family, string type, string address)
    {
        _server["one.test"] = new Zone(new Record(type, address));

        Assert.Equal([address], Texts(await LookUpAsync("one.test", query => query with { Family = family })));
    }

    [Fact]
    public async Task Search_domains_come_first_for_names_with_few_dots()
    {
        Write("resolv.conf", "search default.svc.cluster.local svc.cluster.local\noptions ndots:5");
        _server["web.shop.svc.cluster.local"] = new Zone(new Record("A", "10.0.0.1"));

        Assert.Equal(["10.0.0.1"], Texts(await LookUpAsync("web.shop")));
        Assert.Equal(["udp A web.shop.default.svc.cluster.local", "udp A web.shop.svc.cluster.local"], _server.Asked);
        Assert.Equal(LookupStatus.Empty, (await LookUpAsync("web.shop.")).Status);
        Assert.Equal(LookupStatus.Empty, (await LookUpAsync("web.shop", query => query with { NoSearch = true })).Status);
    }

    [Fact]
    public async Task The_hosts_file_is_not_asked_about_and_may_change()
    {
        Write("hosts", "10.1.1.1 db.test db # the database\n");
        Assert.Equal(["10.1.1.1"], Texts(await LookUpAsync("DB.test")));

        Write("hosts", "10.1.1.1 db.test\n10.1.1.22 db.test\n");
        Assert.Equal(["10.1.1.1", "10.1.1.22"], Texts(await LookUpAsync("db.test")));
        Assert.Equal(["127.0.0.1"], Texts(await LookUpAsync("localhost")));
        Assert.Equal(["10.9.9.9"], Texts(await LookUpAsync("10.9.9.9")));
        Assert.Empty(_server.Asked);
    }

    [Fact]
    public void Messages_that_make_no_sense_are_refused()
    {
        byte[] question = DnsMessage.Question(7, "a.test", DnsMessage.TypeA, extended: false);
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] message = [.. question, .. new byte[random.Next(40)]];
            message[2] |= 0x80;
            for (int j = random.Next(1, 8); j > 0; j--)
            {
                message[random.Next(2, message.Length)] = (byte)random.Next(256);
            }

            if (DnsMessage.Answers(message, question))
            {
                DnsMessage.Read(message, DnsMessage.TypeA);
            }
        }

        // A name that points to itself.
        byte[] circle = [.. question];
        circle[2] |= 0x80;
        circle[12] = 0xc0;
        circle[13] = 12;
        Assert.False(DnsMessage.Answers(circle, question));

        // One that is longer than names may be.
        byte[] header = [.. question[..12]];
        header[2] |= 0x80;
        byte[] label = [63, .. Enumerable.Repeat((byte)'a', 63)];
        byte[] within = [.. header, .. label, .. label, .. label, 0, 0, 1, 0, 1];
        byte[] beyond = [.. header, .. label, .. label, .. label, .. label, 0, 0, 1, 0, 1];
        Assert.NotNull(DnsMessage.Read(within, DnsMessage.TypeA));
        Assert.Null(DnsMessage.Read(beyond, DnsMessage.TypeA));
    }

    private Task<LookupResult> LookUpAsync(string name, Func<NameQuery, NameQuery>? with = null)
    {
        var query = new NameQuery(name) { Family = LookupFamily.V4Only, Servers = _server.Address };
        return _lookup.LookUpAsync(with?.Invoke(query) ?? query, CancellationToken.None);
    }

    private static string[] Texts(LookupResult result) => [.. result.Addresses.Select(a => a.Address.ToString())];

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder.FullName, file), text);
}
