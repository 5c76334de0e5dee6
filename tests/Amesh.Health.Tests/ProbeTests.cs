using System.Net.Security;
using System.Text;
using Amesh.Apisix;

namespace Amesh.Health.Tests;

public sealed class ProbeTests : IDisposable
{
    private readonly TalkingServer _server = new(_ => Http(200));
    private HealthTls? _tls;
    private IProbe? _probe;

    public void Dispose()
    {
        _probe?.Dispose();
        _server.Dispose();
    }

    [Theory]
    [InlineData(200, "Good")]
    [InlineData(201, "Bad")]
    [InlineData(503, "Bad")]
    [InlineData(301, "Bad")]
    public async Task Only_200_is_good_where_nothing_is_said(int status, string result)
    {
        _server.Answer = _ => Http(status, "location: http://127.0.0.1:1/");
        Assert.Equal(result, (await AskAsync(new HttpQuestion { Path = "/health" })).ToString());
    }

    [Theory]
    [InlineData(200, "Bad")]
    [InlineData(204, "Good")]
    [InlineData(299, "Good")]
    [InlineData(300, "Bad")]
    [InlineData(429, "Retriable")]
    public async Task Statuses_are_good_or_retriable_as_the_check_says(int status, string result)
    {
        _server.Answer = _ => Http(status);
        Assert.Equal(result, (await AskAsync(new HttpQuestion { Expected = [(204, 205), (206, 300)], Retriable = [(429, 430)] })).ToString());
    }

    [Fact]
    public async Task The_request_is_Envoys()
    {
        var question = new HttpQuestion
        {
            Path = "/he%41lth/../x?a=%2f",
            Headers = [new("x-tag", "&a=b&", false), new("user-agent", "mine", true), new("x-gone", "1", false)],
            RemovedHeaders = ["X-Gone"],
        };
        await AskAsync(question);

        string request = Assert.Single(_server.Received);
        Assert.StartsWith("GET /he%41lth/../x?a=%2f HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("Host: reviews\r\n", request, StringComparison.Ordinal);
        Assert.Contains("x-tag: &a=b&\r\n", request, StringComparison.Ordinal);
        Assert.Contains("mine\r\n", request, StringComparison.Ordinal);
        Assert.DoesNotContain("Envoy/HC", request, StringComparison.Ordinal);
        Assert.DoesNotContain("x-gone", request, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    public async Task A_connection_is_used_again_where_the_check_says_so(bool reuse, int connections)
    {
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(CheckResult.Good, await AskAsync(new HttpQuestion(), check => check with { ReuseConnection = reuse }));
        }

        Assert.Equal(connections, _server.Connections);
    }

    [Fact]
    public async Task An_answer_may_say_that_others_should_be_asked_first()
    {
        _server.Answer = _ => Http(200, "x-envoy-degraded: ");
        Assert.Equal(CheckResult.Degraded, await AskAsync(new HttpQuestion()));
    }

    [Theory]
    [InlineData("reviews-v1", "Good")]
    [InlineData("ratings", "Bad")]
    [InlineData(null, "Bad")]
    public async Task The_service_must_be_the_one_that_is_meant(string? name, string result)
    {
        _server.Answer = _ => Http(200, name is null ? "x: y" : $"x-envoy-upstream-healthchecked-cluster: {name}");
        Assert.Equal(result, (await AskAsync(new HttpQuestion { Service = new StringMatch { Prefix = "reviews" } })).ToString());
    }

    [Theory]
    [InlineData("all is well here", "Good")]
    [InlineData("well is all", "Bad")]
    public async Task The_body_must_have_what_is_wanted_in_order(string body, string result)
    {
        _server.Answer = _ => $"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\n\r\n{body}";
        Assert.Equal(result, (await AskAsync(new HttpQuestion { Receive = [Bytes("all"), Bytes("well")] })).ToString());
    }

    [Fact]
    public async Task No_connection_and_an_answer_that_ends_early_are_no_answer()
    {
        _server.Answer = _ => null;
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(new HttpQuestion()));
        _probe!.Reset();
        _server.Answer = _ => Http(200);
        Assert.Equal(CheckResult.Good, await AskAsync(new HttpQuestion()));
    }

    [Fact]
    public async Task A_TCP_connection_is_enough_where_nothing_is_to_come()
    {
        Assert.Equal(CheckResult.Good, await AskAsync(new TcpQuestion { Send = Bytes("PING") }));
        _probe = null;
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(new TcpQuestion(), port: 1));
    }

    [Fact]
    public async Task TCP_waits_for_all_that_is_to_come()
    {
        _server.Answer = text => text == "PING\r\n" ? "+PO" : "NG\r\n";
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var question = new TcpQuestion { Send = Bytes("PING\r\n"), Receive = [Bytes("PONG")] };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AskAsync(question, ct: patience.Token));

        _server.Answer = _ => "xx+PONG\r\n";
        _probe!.Reset();
        Assert.Equal(CheckResult.Good, await AskAsync(question));
        Assert.Equal(CheckResult.Good, await AskAsync(question));
        Assert.Equal(2, _server.Connections);

        _server.Answer = _ => null;
        Assert.Equal(CheckResult.None, await AskAsync(question));
    }

    [Theory]
    [InlineData(1, "PROXY TCP4 127.0.0.1 127.0.0.1 ")]
    [InlineData(2, "\r\n\r\n\0\r\nQUIT\n \0\0\0")]
    public async Task TCP_may_begin_with_the_PROXY_protocol(int version, string head)
    {
        _server.Answer = text => text.Contains("PING", StringComparison.Ordinal) ? "PONG" : "";
        Assert.Equal(CheckResult.Good, await AskAsync(new TcpQuestion { Send = Bytes("PING"), Receive = [Bytes("PONG")], ProxyProtocol = version }));
        Assert.StartsWith(head, string.Concat(_server.Received), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spiffe://mesh/reviews", true)]
    [InlineData("spiffe://mesh/ratings", false)]
    public async Task TLS_is_spoken_as_the_cluster_speaks_it(string identity, bool holds)
    {
        var authority = new TestAuthority();
        string client = "";
        using var server = new TalkingServer(_ => Http(200), new SslServerAuthenticationOptions
        {
            ServerCertificate = authority.Issue("spiffe://mesh/reviews"),
            ApplicationProtocols = [new("kuma")],
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                client = certificate is null ? "none" : PeerNames.Of((System.Security.Cryptography.X509Certificates.X509Certificate2)certificate).Single().Value;
                return certificate is not null;
            },
        });
        _tls = new HealthTls(
            new TlsContext { Id = "t", Certificate = "own", Validation = "ca", Alpn = ["kuma"], Sans = [new SanMatch("uri") { Exact = identity }] },
            authority.Secret("own", "spiffe://mesh/gateway"),
            new Secret { Id = "ca", Ca = authority.Pem });
        if (holds)
        {
            Assert.Equal(CheckResult.Good, await AskAsync(new HttpQuestion(), port: server.Port));
            Assert.Equal("spiffe://mesh/gateway", client);
        }
        else
        {
            await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(new HttpQuestion(), port: server.Port));
        }

        // Another authority's certificate, whatever the name.
        _probe!.Dispose();
        _probe = null;
        _tls = _tls with { Validation = new Secret { Id = "ca", Ca = new TestAuthority().Pem } };
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(new HttpQuestion(), port: server.Port));

        // And none at all while the secret has not come.
        _probe!.Dispose();
        _probe = null;
        _tls = _tls with { Validation = null };
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(new HttpQuestion(), port: server.Port));
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static string Http(int status, string header = "x: y") => $"HTTP/1.1 {status} x\r\n{header}\r\ncontent-length: 2\r\n\r\nok";

    private async Task<CheckResult> AskAsync(HealthQuestion question, Func<HealthCheck, HealthCheck>? with = null, uint port = 0, CancellationToken ct = default)
    {
        HealthCheck check = new HealthCheck("c") { Question = question };
        _probe ??= Probes.For(new HealthTarget("reviews", "127.0.0.1", port > 0 ? port : _server.Port, with?.Invoke(check) ?? check) { Context = _tls?.Context.Id });
        _probe.Tls = _tls;
        return (await _probe.AskAsync(ct)).Result;
    }
}
