using System.Text;
using static Amesh.Grpc.Tests.TestService;

namespace Amesh.Grpc.Tests;

/// <summary>Node's http2 by hand (native-tests/control-plane/peers/http2-server.mjs), for what a real gRPC server never does.</summary>
public sealed class MisbehavingServer : IAsyncLifetime
{
    private NodeProcess? _node;

    public Uri Address => new($"http://127.0.0.1:{_node!.Port}");

    public async Task InitializeAsync() => _node = await NodeProcess.ServeAsync("peers/http2-server.mjs");

    public Task DisposeAsync()
    {
        _node?.Dispose();
        return Task.CompletedTask;
    }
}

public sealed class MisbehavingServerTests : IClassFixture<MisbehavingServer>, IAsyncDisposable
{
    private const int Hang = 60_000;
    private const int Limit = 1 << 20;
    private readonly GrpcChannel _channel;

    public MisbehavingServerTests(MisbehavingServer server) =>
        _channel = new GrpcChannel(new GrpcChannelOptions { Address = server.Address, MaxReceiveMessageSize = Limit });

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    [Theory(Timeout = Hang)]
    [InlineData("NoTrailers", GrpcStatusCode.Unknown, "without trailers", 1)]
    [InlineData("TrailersWithoutStatus", GrpcStatusCode.Unknown, "without trailers", 1)]
    [InlineData("CutPrefix", GrpcStatusCode.Internal, "after 2 of the 5 bytes", 1)]
    [InlineData("CutMessage", GrpcStatusCode.Internal, "after 3 of the 10 bytes", 1)]
    [InlineData("CutMessageNoTrailers", GrpcStatusCode.Internal, "after 3 of the 10 bytes", 0)]
    [InlineData("CutMessageWithStatus", GrpcStatusCode.Unavailable, "going away", 0)]
    [InlineData("Oversized", GrpcStatusCode.ResourceExhausted, "2147483647 bytes; the limit is 1048576", 0)]
    [InlineData("OversizedUnsigned", GrpcStatusCode.ResourceExhausted, "4294967295 bytes", 0)]
    [InlineData("BadFlag", GrpcStatusCode.Internal, "first byte is 7", 0)]
    [InlineData("HtmlOk", GrpcStatusCode.Unknown, "content-type 'text/html'", 0)]
    [InlineData("GrpcWeb", GrpcStatusCode.Unknown, "content-type 'application/grpc-web'", 0)]
    [InlineData("NoContentType", GrpcStatusCode.Unknown, "content-type ''", 0)]
    [InlineData("HttpStatus-400", GrpcStatusCode.Internal, "HTTP status 400", 0)]
    [InlineData("HttpStatus-401", GrpcStatusCode.Unauthenticated, "HTTP status 401", 0)]
    [InlineData("HttpStatus-403", GrpcStatusCode.PermissionDenied, "HTTP status 403", 0)]
    [InlineData("HttpStatus-404", GrpcStatusCode.Unimplemented, "HTTP status 404", 0)]
    [InlineData("HttpStatus-429", GrpcStatusCode.Unavailable, "HTTP status 429", 0)]
    [InlineData("HttpStatus-502", GrpcStatusCode.Unavailable, "HTTP status 502", 0)]
    [InlineData("HttpStatus-503", GrpcStatusCode.Unavailable, "HTTP status 503", 0)]
    [InlineData("HttpStatus-504", GrpcStatusCode.Unavailable, "HTTP status 504", 0)]
    [InlineData("HttpStatus-500", GrpcStatusCode.Unknown, "HTTP status 500", 0)]
    [InlineData("HttpStatus-302", GrpcStatusCode.Unknown, "HTTP status 302", 0)]
    [InlineData("HttpStatusButGrpc", GrpcStatusCode.PermissionDenied, "no", 0)]
    [InlineData("TrailersOnly", GrpcStatusCode.FailedPrecondition, "only this", 0)]
    [InlineData("StatusText", GrpcStatusCode.Unknown, "grpc-status 'fine'", 0)]
    [InlineData("StatusTooLarge", GrpcStatusCode.Unknown, "grpc-status '99', which is no status: what?", 0)]
    [InlineData("BadPercent", GrpcStatusCode.Unknown, "100%, %zz and €%", 0)]
    [InlineData("GzipWithoutEncoding", GrpcStatusCode.Internal, "no grpc-encoding", 0)]
    [InlineData("UnknownEncoding", GrpcStatusCode.Internal, "'snappy'", 0)]
    [InlineData("NotGzip", GrpcStatusCode.Internal, "not gzip", 0)]
    [InlineData("Bomb", GrpcStatusCode.ResourceExhausted, "larger when decompressed", 0)]
    [InlineData("Rst-2", GrpcStatusCode.Internal, "INTERNAL_ERROR", 0)]
    [InlineData("Rst-7", GrpcStatusCode.Unavailable, "", 0)]
    [InlineData("Rst-8", GrpcStatusCode.Cancelled, "CANCEL", 0)]
    [InlineData("Rst-11", GrpcStatusCode.ResourceExhausted, "ENHANCE_YOUR_CALM", 0)]
    [InlineData("Rst-12", GrpcStatusCode.PermissionDenied, "INADEQUATE_SECURITY", 0)]
    // Node may put the stream's end in front of the reset, which then is an end without trailers.
    [InlineData("RstAfterMessage-2", null, "", null)]
    [InlineData("Destroy", null, "", 0)]
    [InlineData("DestroyAfterMessage", GrpcStatusCode.Unavailable, "broke", null)]
    [InlineData("Goaway", GrpcStatusCode.Unavailable, "NO_ERROR", 0)]
    public async Task What_is_wrong_becomes_a_status(string how, GrpcStatusCode? code, string detail, int? messages)
    {
        await using GrpcCall call = _channel.StartCall($"/bad.Server/{how}");
        int received = 0;
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            while (await call.ReadAsync() is { } message)
            {
                Assert.Equal("hello", Text(message));
                received++;
            }
        });
        if (code is not null)
        {
            Assert.Equal(code, e.StatusCode);
        }
        Assert.Contains(detail, e.Detail, StringComparison.Ordinal);
        // A message that was on its way when the stream broke may or may not arrive.
        Assert.InRange(received, messages ?? 0, messages ?? 1);
        // It stays ended, for readers, writers and those who wait for headers.
        Assert.Equal(e.StatusCode, (await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask())).StatusCode);
        Assert.Equal(e.StatusCode, (await Assert.ThrowsAsync<GrpcException>(() => call.WriteAsync(Bytes("x")).AsTask())).StatusCode);
        await Task.WhenAny(call.ResponseHeaders);
    }

    [Fact(Timeout = Hang)]
    public async Task A_status_alone_leaves_empty_headers_and_the_trailers()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/TrailersOnly");
        Assert.Empty(await call.ResponseHeaders);
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.True(e.Trailers!.TryGet("x-note", out string? note));
        Assert.Equal("here", note);
        Assert.Same(e.Trailers, call.Trailers);
    }

    [Fact(Timeout = Hang)]
    public async Task A_failed_call_faults_its_headers()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/HttpStatus-403");
        Assert.Equal(GrpcStatusCode.PermissionDenied, (await Assert.ThrowsAsync<GrpcException>(() => call.ResponseHeaders)).StatusCode);
    }

    [Theory(Timeout = Hang)]
    [InlineData("Fine")]
    [InlineData("ContentTypeProto")]
    public async Task A_well_behaved_answer_of_the_same_server_is_taken(string how) =>
        Assert.Equal("hello", Text(await _channel.CallUnaryAsync($"/bad.Server/{how}", Bytes("x"))));

    [Fact(Timeout = Hang)]
    public async Task Compressed_and_plain_messages_may_alternate()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/Gzip");
        Assert.Equal("hello", Text((await call.ReadAsync())!.Value));
        Assert.Equal("hello", Text((await call.ReadAsync())!.Value));
        Assert.Null(await call.ReadAsync());
    }

    [Fact(Timeout = Hang)]
    public async Task Binary_values_joined_on_the_way_are_separate_again()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/JoinedMetadata");
        await call.ReadAsync();
        await call.ReadAsync();
        Assert.Equal(["AQI=", "AwQ"], call.Trailers!.Where(t => t.Key == "x-trail-bin").Select(t => t.Value));
        Assert.True(call.Trailers!.TryGetBinary("x-trail-bin", out byte[]? first));
        Assert.Equal([1, 2], first);
    }

    [Theory(Timeout = Hang)]
    [InlineData("Silent")]
    [InlineData("SilentAfterHeaders")]
    [InlineData("SilentInMessage")]
    public async Task A_silent_server_cannot_hold_a_call_past_its_deadline(string how)
    {
        GrpcCallOptions options = new() { Deadline = DateTimeOffset.UtcNow.AddMilliseconds(300) };
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => _channel.CallUnaryAsync($"/bad.Server/{how}", Bytes("x"), options));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, e.StatusCode);
    }

    [Theory(Timeout = Hang)]
    [InlineData("Silent")]
    [InlineData("SilentAfterHeaders")]
    [InlineData("SilentInMessage")]
    public async Task A_write_that_the_server_does_not_take_ends_with_the_deadline(string how)
    {
        await using GrpcCall call = _channel.StartCall($"/bad.Server/{how}", new GrpcCallOptions { Deadline = DateTimeOffset.UtcNow.AddMilliseconds(300) });
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.WriteAsync(new byte[10 << 20]).AsTask());
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, e.StatusCode);
    }

    [Fact(Timeout = Hang)]
    public async Task A_write_that_is_given_up_halfway_ends_the_call()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/SilentAfterHeaders");
        await call.ResponseHeaders;
        using CancellationTokenSource cancel = new();
        Task write = call.WriteAsync(new byte[10 << 20], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        Assert.Equal(GrpcStatusCode.Cancelled, (await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask())).StatusCode);
    }

    [Fact(Timeout = Hang)]
    public async Task Reads_that_are_given_up_inside_a_message_lose_nothing_of_it()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/Halves");
        await call.ResponseHeaders;
        for (int i = 0; i < 20; i++)
        {
            using CancellationTokenSource cancel = new(millisecondsDelay: 5);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.ReadAsync(cancel.Token).AsTask());
        }
        await call.WriteAsync(Bytes("go on"));
        Assert.Equal("hello", Text((await call.ReadAsync())!.Value));
        Assert.Null(await call.ReadAsync());
    }

    [Fact(Timeout = Hang)]
    public async Task Each_message_is_on_the_wire_when_its_write_returns()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/Raw");
        await call.WriteAsync(Bytes("abc"));
        Assert.Equal("00-00-00-00-03-61-62-63", BitConverter.ToString((await call.ReadAsync())!.Value.ToArray()));
        await call.WriteAsync(default);
        Assert.Equal("00-00-00-00-00", BitConverter.ToString((await call.ReadAsync())!.Value.ToArray()));
        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Fact(Timeout = Hang)]
    public async Task A_compressed_message_is_marked_and_smaller()
    {
        await using GrpcCall call = _channel.StartCall("/bad.Server/Raw", new GrpcCallOptions { SendGzip = true });
        await call.WriteAsync(new byte[10_000]);
        byte[] wire = (await call.ReadAsync())!.Value.ToArray();
        Assert.Equal(1, wire[0]);
        Assert.Equal([0x1f, 0x8b], wire[5..7]);
        Assert.InRange(wire.Length, 10, 1000);
    }

    [Fact(Timeout = Hang)]
    public async Task The_request_has_the_headers_of_the_protocol()
    {
        GrpcMetadata metadata = new();
        metadata.Add("authorization", "Bearer x");
        metadata.Add("expires", "never");
        metadata.AddBinary("x-data-bin", [255]);
        GrpcCallOptions options = new() { Metadata = metadata, SendGzip = true, Deadline = DateTimeOffset.UtcNow.AddSeconds(50) };
        string headers = Encoding.UTF8.GetString((await _channel.CallUnaryAsync("/bad.Server/Headers", Bytes("x"), options)).Span);
        foreach (string expected in (string[])
        [
            "\":method\":\"POST\"", "\":scheme\":\"http\"", "\"te\":\"trailers\"", "\"content-type\":\"application/grpc\"",
            "\"grpc-encoding\":\"gzip\"", "\"grpc-accept-encoding\":\"identity,gzip\"", "\"authorization\":\"Bearer x\"", "\"expires\":\"never\"",
            "\"x-data-bin\":\"/w\"", "\"user-agent\":\"amesh-grpc/", "\":authority\":\"127.0.0.1:",
        ])
        {
            Assert.Contains(expected, headers, StringComparison.Ordinal);
        }
        Assert.Matches("\"grpc-timeout\":\"(49|50)\\d{6}u\"", headers);
        GrpcMetadata agent = new();
        agent.Add("user-agent", "envoy/1.30");
        headers = Encoding.UTF8.GetString((await _channel.CallUnaryAsync("/bad.Server/Headers", Bytes("x"), new GrpcCallOptions { Metadata = agent })).Span);
        Assert.Contains("\"user-agent\":\"envoy/1.30\"", headers, StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_connection_that_broke_is_replaced_at_the_next_call()
    {
        for (int i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<GrpcException>(() => _channel.CallUnaryAsync("/bad.Server/DestroyAfterMessage", Bytes("x")));
            Assert.Equal("hello", Text(await _channel.CallUnaryAsync("/bad.Server/Fine", Bytes("x"))));
        }
    }

    [Fact(Timeout = Hang)]
    public async Task A_unary_call_wants_exactly_one_message()
    {
        Assert.Contains("without a message", (await Assert.ThrowsAsync<GrpcException>(() => _channel.CallUnaryAsync("/bad.Server/Empty", Bytes("x")))).Detail, StringComparison.Ordinal);
        Assert.Contains("more than one", (await Assert.ThrowsAsync<GrpcException>(() => _channel.CallUnaryAsync("/bad.Server/Gzip", Bytes("x")))).Detail, StringComparison.Ordinal);
    }
}
