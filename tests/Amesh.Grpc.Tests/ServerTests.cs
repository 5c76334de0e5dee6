using System.Net;
using System.Text.Json;
using Amesh.Grpc.Server;
using Microsoft.AspNetCore.Http;
using static Amesh.Grpc.Tests.TestService;

namespace Amesh.Grpc.Tests;

/// <summary>Our server, called by grpc-js and by hand-made HTTP/2.</summary>
public sealed class ServerTests(Certificates certificates) : IClassFixture<Certificates>
{
    private const int Hang = 60_000;

    [Theory(Timeout = Hang)]
    [InlineData("unary", """{"code":0,"answer":"payload","head":"one, two","trail":"0001ff"}""")]
    [InlineData("duplex", """{"code":0,"echoed":["a","","c"]}""")]
    [InlineData("fail", """{"code":5,"details":"nichts gefunden: 100% ✗\n"}""")]
    [InlineData("failAfterMessages", """{"code":14,"details":"enough","messages":3}""")]
    [InlineData("unimplemented", """{"code":12,"details":"unknown method /test.Peer/Nowhere"}""")]
    [InlineData("deadline", """{"seen":true,"code":4,"cancelled":"deadline-js"}""")]
    [InlineData("cancel", """{"code":1,"cancelled":"cancel-js"}""")]
    [InlineData("gzip", """{"code":0,"length":100000}""")]
    [InlineData("big", """{"code":0,"length":104857600,"intact":true}""")]
    [InlineData("many", """{"succeeded":300}""")]
    [InlineData("endEarly", """{"first":"x","code":0}""")]
    public async Task A_grpc_js_client_is_served(string scenario, string expected)
    {
        await using GrpcServer server = await StartAsync("http://127.0.0.1:0");
        string result = await NodeProcess.RunAsync("peers/grpc-js-client.mjs", server.Address.Authority, scenario);
        // As values: how a string is escaped is nobody's business.
        Assert.Equal(Normal(expected), Normal(result));
    }

    [Fact(Timeout = Hang)]
    public async Task A_grpc_js_client_is_served_over_a_Unix_socket()
    {
        string address = $"unix:{certificates.FilePath("js-client.sock")}";
        await using GrpcServer server = await StartAsync(address);
        Assert.Contains("\"code\":0", await NodeProcess.RunAsync("peers/grpc-js-client.mjs", address, "unary"), StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_grpc_js_client_is_served_over_mutual_TLS_and_refused_without_a_certificate()
    {
        (string certificate, string key) = certificates.Issue("for-js", "localhost", "127.0.0.1");
        await using GrpcServer server = await StartAsync("https://127.0.0.1:0", new GrpcServerTlsOptions { CertificateFile = certificate, KeyFile = key, ClientCaFile = certificates.CaFile });
        (certificate, key) = certificates.Issue("js", "js");
        string target = server.Address.Authority;
        Assert.Contains("\"code\":0", await NodeProcess.RunAsync("peers/grpc-js-client.mjs", target, "unary", certificates.CaFile, certificate, key), StringComparison.Ordinal);
        Assert.Contains("\"code\":14", await NodeProcess.RunAsync("peers/grpc-js-client.mjs", target, "unimplemented", certificates.CaFile), StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_message_above_the_servers_limit_is_refused()
    {
        await using GrpcServer server = new(new GrpcServerOptions { Address = new Uri("http://127.0.0.1:0"), MaxReceiveMessageSize = 1000 });
        server.Map("/test.Peer/Small", async call => await call.WriteAsync((await call.ReadAsync())!.Value));
        await server.StartAsync();
        string result = await NodeProcess.RunAsync("peers/grpc-js-client.mjs", server.Address.Authority, "oversized");
        Assert.Contains("\"code\":8", result, StringComparison.Ordinal);
        Assert.Contains("the limit is 1000", result, StringComparison.Ordinal);
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        // Compressed it is small; what counts is what comes out.
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Small", new byte[1001], new GrpcCallOptions { SendGzip = true }));
        Assert.Equal(GrpcStatusCode.ResourceExhausted, e.StatusCode);
        Assert.Equal(1000, (await channel.CallUnaryAsync("/test.Peer/Small", new byte[1000], new GrpcCallOptions { SendGzip = true })).Length);
    }

    [Fact(Timeout = Hang)]
    public async Task A_handler_that_throws_gives_away_only_that()
    {
        List<string> told = [];
        await using GrpcServer server = TestService.Map(new GrpcServer(new GrpcServerOptions
        {
            Address = new Uri("http://127.0.0.1:0"),
            HandlerFailed = (method, e) => told.Add($"{method}: {e.Message}"),
        }));
        await server.StartAsync();
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Throw", Bytes("x")));
        Assert.Equal(GrpcStatusCode.Unknown, e.StatusCode);
        Assert.DoesNotContain("secret", e.Detail, StringComparison.Ordinal);
        Assert.Equal(["/test.Peer/Throw: secret"], told);
    }

    [Fact(Timeout = Hang)]
    public async Task A_handler_may_reset_its_stream()
    {
        await using GrpcServer server = await StartAsync("http://127.0.0.1:0");
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Reset", Bytes("x")));
        Assert.Equal(GrpcStatusCode.Internal, e.StatusCode);
        Assert.Contains("INTERNAL_ERROR", e.Detail, StringComparison.Ordinal);
    }

    [Theory(Timeout = Hang)]
    [InlineData("application/grpc", "POST", new byte[] { 0, 0, 0, 0, 9, 1 }, "200 13")]
    [InlineData("application/grpc", "POST", new byte[] { 0, 0 }, "200 13")]
    [InlineData("application/grpc", "POST", new byte[] { 5, 0, 0, 0, 0 }, "200 13")]
    [InlineData("application/grpc", "POST", new byte[] { 0, 0, 0, 0, 1, 65 }, "200 0")]
    [InlineData("application/json", "POST", new byte[] { 0 }, "415 ")]
    [InlineData("application/grpc", "GET", new byte[0], "405 ")]
    public async Task What_is_wrong_with_a_request_becomes_a_status(string contentType, string method, byte[] body, string expected)
    {
        await using GrpcServer server = await StartAsync("http://127.0.0.1:0");
        Assert.Equal(expected, await AskAsync(server, contentType, method, body));
    }

    [Theory(Timeout = Hang)]
    [InlineData("grpc-encoding", "snappy", "200 12")]
    [InlineData("grpc-timeout", "soon", "200 13")]
    [InlineData("grpc-timeout", "0n", "200 4")]
    public async Task What_is_wrong_with_the_headers_becomes_a_status(string header, string value, string expected)
    {
        await using GrpcServer server = await StartAsync("http://127.0.0.1:0");
        Assert.Equal(expected, await AskAsync(server, "application/grpc", "POST", [0, 0, 0, 0, 1, 65], header, value));
    }

    [Fact(Timeout = Hang)]
    public async Task Headers_can_go_out_before_any_message()
    {
        await using GrpcServer server = new(new GrpcServerOptions { Address = new Uri("http://127.0.0.1:0") });
        server.Map("/test.Peer/Headers", async call =>
        {
            call.ResponseHeaders.Add("x-early", "yes");
            await call.SendHeadersAsync();
            await call.ReadAsync();
        });
        await server.StartAsync();
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        await using GrpcCall call = channel.StartCall("/test.Peer/Headers");
        Assert.True((await call.ResponseHeaders).TryGet("x-early", out _));
        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Fact(Timeout = Hang)]
    public async Task Headers_without_messages_are_not_mixed_with_trailers()
    {
        await using GrpcServer server = new(new GrpcServerOptions { Address = new Uri("http://127.0.0.1:0") });
        server.Map("/test.Peer/Headers", call =>
        {
            call.ResponseHeaders.Add("x-head", "h");
            call.Trailers.Add("x-trail", "t");
            return Task.CompletedTask;
        });
        await server.StartAsync();
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        await using GrpcCall call = channel.StartCall("/test.Peer/Headers");
        Assert.Null(await call.ReadAsync());
        Assert.False((await call.ResponseHeaders).TryGet("x-trail", out _));
        Assert.True((await call.ResponseHeaders).TryGet("x-head", out _));
        Assert.True(call.Trailers!.TryGet("x-trail", out _));
    }

    [Fact(Timeout = Hang)]
    public async Task Compressed_answers_go_to_those_who_take_them()
    {
        await using GrpcServer server = await StartAsync("http://127.0.0.1:0");
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Gzip", Bytes("x"))));
        byte[] message = [0, 0, 0, 0, 1, 65];
        Assert.Equal([0, 0, 0, 0, 1, 65], await RawAsync(server, "/test.Peer/Gzip", message, null));
        Assert.Equal([1, 0, 0, 0], (await RawAsync(server, "/test.Peer/Gzip", message, "gzip"))[..4]);
    }

    [Fact(Timeout = Hang)]
    public async Task Plain_HTTP_endpoints_are_on_a_port_of_their_own()
    {
        await using GrpcServer server = TestService.Map(new GrpcServer(new GrpcServerOptions { Address = new Uri("http://127.0.0.1:0"), HttpAddress = new Uri("http://127.0.0.1:0") }));
        server.MapHttp("POST", "/step/", http => http.Response.WriteAsync($"went to {http.Request.Path.Value!["/step/".Length..]}"));
        await server.StartAsync();
        Assert.NotEqual(server.Address.Port, server.HttpAddress!.Port);
        using HttpClient client = new();
        using HttpResponseMessage response = await client.PostAsync(new Uri(server.HttpAddress, "/step/base"), null);
        Assert.Equal("went to base", await response.Content.ReadAsStringAsync());
        using HttpResponseMessage none = await client.GetAsync(new Uri(server.HttpAddress, "/step/base"));
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = server.Address });
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));
    }

    [Fact(Timeout = Hang)]
    public async Task An_address_in_use_or_unfit_is_an_error_at_the_start()
    {
        await using GrpcServer first = await StartAsync("http://127.0.0.1:0");
        await using GrpcServer second = new(new GrpcServerOptions { Address = first.Address });
        await Assert.ThrowsAnyAsync<IOException>(() => second.StartAsync());
        await using GrpcServer third = new(new GrpcServerOptions { Address = new Uri("https://127.0.0.1:0") });
        Assert.Contains("needs Tls", (await Assert.ThrowsAsync<ArgumentException>(() => third.StartAsync())).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_socket_file_left_by_a_dead_server_is_no_obstacle()
    {
        string path = certificates.FilePath("left.sock");
        await File.WriteAllTextAsync(path, "");
        await using GrpcServer server = await StartAsync($"unix:{path}");
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = new Uri($"unix:{path}") });
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));
    }

    private static string Normal(string json) => JsonSerializer.Serialize(JsonDocument.Parse(json));

    private static async Task<GrpcServer> StartAsync(string address, GrpcServerTlsOptions? tls = null)
    {
        GrpcServer server = TestService.Map(new GrpcServer(new GrpcServerOptions { Address = new Uri(address), Tls = tls }));
        await server.StartAsync();
        return server;
    }

    /// <summary>Sends a request by hand; returns the HTTP status and grpc-status.</summary>
    private static async Task<string> AskAsync(GrpcServer server, string contentType, string method, byte[] body, string? header = null, string? value = null)
    {
        using HttpClient client = new();
        using HttpRequestMessage request = Request(server, "/test.Peer/Collect", method, body, contentType);
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }
        using HttpResponseMessage response = await client.SendAsync(request);
        string status = response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? values) || response.TrailingHeaders.TryGetValues("grpc-status", out values)
            ? values.Single()
            : "";
        return $"{(int)response.StatusCode} {status}";
    }

    private static async Task<byte[]> RawAsync(GrpcServer server, string path, byte[] body, string? accept)
    {
        using HttpClient client = new();
        using HttpRequestMessage request = Request(server, path, "POST", body, "application/grpc");
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("grpc-accept-encoding", accept);
        }
        using HttpResponseMessage response = await client.SendAsync(request);
        return await response.Content.ReadAsByteArrayAsync();
    }

    private static HttpRequestMessage Request(GrpcServer server, string path, string method, byte[] body, string contentType)
    {
        HttpRequestMessage request = new(new HttpMethod(method), new Uri(server.Address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (method == "POST")
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        }
        return request;
    }
}
