using System.Net;
using Amesh.Harness.Client;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Tests;

public sealed class EndpointTests : IDisposable
{
    private const string Here = "127.77.0.1:19080";
    private const string There = "127.77.0.2:19080";
    private readonly EndpointServer _server = new();
    private readonly VerdictClient _client = new();

    public EndpointTests()
    {
        _server.Listen(Here);
        _server.Listen(There);
    }

    public void Dispose() => _server.DisposeAsync().AsTask().GetAwaiter().GetResult();

    [Theory]
    [InlineData("http", "HTTP/1.1")]
    [InlineData("https", "HTTP/1.1")]
    [InlineData("h2c", "HTTP/2.0")]
    public async Task ARequestIsReportedByteForByte(string proto, string expected)
    {
        var reply = await _client.SendAsync("case", new SentRequest
        {
            To = Here, Proto = proto, Sni = proto == "https" ? "a.example" : null, Method = "POST", Path = "/a%20b/../%2Fc;v=1//d?q=1&q=%2F", Host = "REVIEWS:9080",
            Headers = new Dictionary<string, string> { ["X-One"] = "Eins" }, Body = "hello=world",
        });
        Assert.Equal("200", reply.Status);
        Assert.Equal(Here, reply.ServedBy);
        Assert.Equal(["yes"], reply.Headers["x-from-backend"]);
        var seen = reply.Report!;
        Assert.Equal((expected, "POST", "/a%20b/../%2Fc;v=1//d?q=1&q=%2F", "REVIEWS:9080", "hello=world"), (seen.Proto, seen.Method, seen.Path, seen.Host, seen.Body));
        Assert.Equal(["Eins"], seen.Headers["x-one"]);
        Assert.Equal(["verdict"], seen.Headers["user-agent"]);
        Assert.False(seen.Headers.ContainsKey("x-case"));
        Assert.Equal(proto == "https" ? "a.example" : null, seen.Sni);
        Assert.Equal(1, _server.Log.Reached("case")[Here]);
    }

    [Fact]
    public async Task HttpTwoInsideTlsIsServed()
    {
        var reply = await _client.SendAsync("case", new SentRequest { To = Here, Proto = "https", Sni = "b.example", Alpn = ["h2"], Host = "x" });
        Assert.Equal(("HTTP/2.0", "b.example"), (reply.Report!.Proto, reply.Report.Sni));
    }

    /// <summary>nginx says https inside, Kuma's Envoys, too; Kestrel, which sees no TLS, must take that.</summary>
    [Fact]
    public async Task HttpTwoInsideTlsMaySayHttps()
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null;
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{Here}/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("istio")]
    [InlineData("istio-http/1.1")]
    [InlineData("kuma")]
    public async Task TheMeshesOwnProtocolsAreTaken(string alpn)
    {
        var reply = await _client.SendAsync("case", new SentRequest { To = Here, Proto = "https", Alpn = [alpn] });
        Assert.Equal(("200", Here), (reply.Status, reply.ServedBy));
    }

    [Fact]
    public async Task AnswersAreSteeredByHeaders()
    {
        var headers = new Dictionary<string, string> { ["x-answer-status"] = "503", ["x-answer-only"] = Here };
        var here = await _client.SendAsync("case", new SentRequest { To = Here, Headers = headers });
        var there = await _client.SendAsync("case", new SentRequest { To = There, Headers = headers });
        Assert.Equal(("503", "", Here), (here.Status, here.Body, here.ServedBy));
        Assert.Equal(("200", There), (there.Status, there.ServedBy));
    }

    [Fact]
    public async Task AnAnswerCanWait()
    {
        var reply = await _client.SendAsync("case", new SentRequest { To = Here, Headers = new Dictionary<string, string> { ["x-answer-after"] = "150ms" } });
        Assert.True(reply.Seconds >= 0.15, $"{reply.Seconds} s");
    }

    [Fact]
    public async Task AWebSocketIsAccepted()
    {
        var reply = await _client.SendAsync("case", new SentRequest { To = Here, Headers = new Dictionary<string, string> { ["Connection"] = "Upgrade", ["Upgrade"] = "websocket" } });
        Assert.Equal(("101", Here), (reply.Status, reply.ServedBy));
    }

    [Theory]
    [InlineData("tcp", "tcp " + Here)]
    [InlineData("tls", "tls " + Here + " sni=c.example")]
    public async Task ALineGetsALine(string proto, string expected)
    {
        var reply = await _client.SendAsync("name", new SentRequest { To = Here, Proto = proto, Sni = "c.example" });
        Assert.Equal((Reply.Answered, expected, Here), (reply.Status, reply.Body, reply.ServedBy));
        Assert.Equal(1, _server.Log.Reached("name")[Here]);
    }

    [Fact]
    public async Task AClosedAddressRefuses()
    {
        _server.Close(There);
        Assert.Equal(Reply.NoAnswer, (await _client.SendAsync("case", new SentRequest { To = There })).Status);
    }

    [Fact]
    public void TheRequestGoesOutAsGiven()
    {
        var bytes = VerdictClient.Bytes("s/c", new SentRequest { To = Here, Path = "//a//b", Host = "h:1", Headers = new Dictionary<string, string> { ["X-B"] = "1", ["a"] = "2" } });
        Assert.Equal("GET //a//b HTTP/1.1\r\nHost: h:1\r\nuser-agent: verdict\r\nx-case: s/c\r\nX-B: 1\r\na: 2\r\nconnection: close\r\n\r\n", System.Text.Encoding.Latin1.GetString(bytes));
    }
}
