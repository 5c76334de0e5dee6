using System.Globalization;
using static Amesh.Grpc.Tests.TestService;

namespace Amesh.Grpc.Tests;

public sealed class CallTests(Peers peers) : IClassFixture<Peers>
{
    private const int Hang = 60_000;

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_unary_call_returns_the_answer(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        Assert.Equal("payload", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("payload"))));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Metadata_goes_both_ways_with_repeated_and_binary_values(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        GrpcMetadata metadata = new();
        metadata.Add("x-head", "one");
        metadata.Add("x-head-other", "two, and three");
        metadata.AddBinary("x-trail-bin", [0, 1, 255, 254]);
        metadata.Add("x-trail", "end");
        await using GrpcCall call = channel.StartCall("/test.Peer/Unary", new GrpcCallOptions { Metadata = metadata });
        await call.WriteAsync(Bytes("x"));
        await call.CompleteAsync();
        GrpcMetadata headers = await call.ResponseHeaders;
        Assert.True(headers.TryGet("x-head", out string? head));
        Assert.Equal("one", head);
        Assert.True(headers.TryGet("x-head-other", out string? other));
        Assert.Equal("two, and three", other);
        Assert.Null(call.Trailers);
        Assert.NotNull(await call.ReadAsync());
        Assert.Null(await call.ReadAsync());
        Assert.True(call.Trailers!.TryGetBinary("x-trail-bin", out byte[]? bytes));
        Assert.Equal([0, 1, 255, 254], bytes);
        Assert.True(call.Trailers.TryGet("x-trail", out string? end));
        Assert.Equal("end", end);
        Assert.False(call.Trailers.TryGet("grpc-status", out _));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Messages_go_back_and_forth_while_both_sides_are_open(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Duplex");
        foreach (string text in (string[])["first", "", "third", new string('x', 100_000)])
        {
            // The peer sends nothing, not even headers, before it has a message: one that waits would hang here.
            await call.WriteAsync(Bytes(text));
            Assert.Equal(text, Text((await call.ReadAsync())!.Value));
        }
        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
        Assert.Null(await call.ReadAsync());
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_server_may_speak_first(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Greet");
        Assert.Equal("hello", Text((await call.ReadAsync())!.Value));
        Assert.Null(await call.ReadAsync());
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_status_arrives_with_its_text_and_metadata(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        GrpcMetadata metadata = new();
        metadata.Add("x-trail", "why");
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() =>
            channel.CallUnaryAsync("/test.Peer/Fail", Bytes("5 0 nichts gefunden: 100% ✗"), new GrpcCallOptions { Metadata = metadata }));
        Assert.Equal(GrpcStatusCode.NotFound, e.StatusCode);
        Assert.Equal("nichts gefunden: 100% ✗", e.Detail);
        Assert.True(e.Trailers!.TryGet("x-trail", out string? why));
        Assert.Equal("why", why);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Every_status_number_is_told_apart(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        foreach (GrpcStatusCode code in Enum.GetValues<GrpcStatusCode>().Where(c => c != GrpcStatusCode.OK))
        {
            GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Fail", Bytes($"{(int)code} 0 no")));
            Assert.Equal(code, e.StatusCode);
        }
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Messages_before_a_failing_status_are_not_lost(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Fail");
        await call.WriteAsync(Bytes("14 3 enough"));
        await call.CompleteAsync();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal($"message {i}", Text((await call.ReadAsync())!.Value));
        }
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.Equal((GrpcStatusCode.Unavailable, "enough"), (e.StatusCode, e.Detail));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task An_unknown_method_is_unimplemented(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Nowhere");
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.Equal(GrpcStatusCode.Unimplemented, e.StatusCode);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_writer_also_learns_that_the_method_is_unimplemented(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Nowhere");
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            while (true)
            {
                await call.WriteAsync(new byte[100_000]);
            }
        });
        Assert.Equal(GrpcStatusCode.Unimplemented, e.StatusCode);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_server_may_end_with_OK_while_the_client_still_writes(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/EndEarly");
        await call.WriteAsync(Bytes("x"));
        Assert.Equal("x", Text((await call.ReadAsync())!.Value));
        Assert.Null(await call.ReadAsync());
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.WriteAsync(Bytes("y")).AsTask());
        Assert.Equal(GrpcStatusCode.Unavailable, e.StatusCode);
        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_client_may_half_close_and_still_be_answered(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Collect");
        await call.WriteAsync(new byte[1000]);
        await call.WriteAsync(new byte[234]);
        await call.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.WriteAsync(Bytes("z")).AsTask());
        Assert.Equal("1234", Text((await call.ReadAsync())!.Value));
        Assert.Null(await call.ReadAsync());
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Writers_do_not_mix_their_messages(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Duplex");
        const int Count = 60;
        Task writers = Task.WhenAll(Enumerable.Range(0, Count).Select(i => Task.Run(() =>
            call.WriteAsync(Enumerable.Repeat((byte)i, 20_000 + i).ToArray()).AsTask())));
        HashSet<byte> seen = [];
        for (int i = 0; i < Count; i++)
        {
            ReadOnlyMemory<byte> message = (await call.ReadAsync())!.Value;
            byte mark = message.Span[0];
            Assert.Equal(20_000 + mark, message.Length);
            Assert.False(message.Span.ContainsAnyExcept(mark));
            Assert.True(seen.Add(mark));
        }
        await writers;
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task The_server_sees_the_deadline(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        GrpcCallOptions options = new() { Deadline = DateTimeOffset.UtcNow.AddHours(2) };
        string seen = Text(await channel.CallUnaryAsync("/test.Peer/Deadline", Bytes(""), options));
        Assert.InRange(long.Parse(seen, CultureInfo.InvariantCulture), 3_600_000, 7_200_000);
        Assert.Equal("none", Text(await channel.CallUnaryAsync("/test.Peer/Deadline", Bytes(""))));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_deadline_ends_the_call_on_both_sides(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        string id = $"deadline-{server}";
        await using GrpcCall call = channel.StartCall("/test.Peer/Hang", new GrpcCallOptions { Deadline = DateTimeOffset.UtcNow.AddSeconds(1) });
        await call.WriteAsync(Bytes(id));
        Assert.Equal(id, Text((await call.ReadAsync())!.Value));
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, e.StatusCode);
        Assert.Equal(id, Text(await channel.CallUnaryAsync("/test.Peer/AwaitCancelled", Bytes(id))));
        GrpcException write = await Assert.ThrowsAsync<GrpcException>(() => call.WriteAsync(Bytes("late")).AsTask());
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, write.StatusCode);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_deadline_in_the_past_ends_the_call_at_once(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        GrpcCallOptions options = new() { Deadline = DateTimeOffset.UtcNow.AddSeconds(-1) };
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"), options));
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, e.StatusCode);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task The_callers_token_cancels_the_call_on_both_sides(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        using CancellationTokenSource cancel = new();
        string id = $"token-{server}";
        await using GrpcCall call = channel.StartCall("/test.Peer/Hang", cancellationToken: cancel.Token);
        await call.WriteAsync(Bytes(id));
        await call.ReadAsync();
        Task<ReadOnlyMemory<byte>?> read = call.ReadAsync().AsTask();
        await cancel.CancelAsync();
        Assert.Equal(GrpcStatusCode.Cancelled, (await Assert.ThrowsAsync<GrpcException>(() => read)).StatusCode);
        Assert.Equal(id, Text(await channel.CallUnaryAsync("/test.Peer/AwaitCancelled", Bytes(id))));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_token_cancels_a_call_that_nobody_reads(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        using CancellationTokenSource cancel = new();
        string id = $"unread-{server}";
        await using GrpcCall call = channel.StartCall("/test.Peer/Hang", cancellationToken: cancel.Token);
        await call.WriteAsync(Bytes(id));
        await call.ResponseHeaders;
        await cancel.CancelAsync();
        Assert.Equal(id, Text(await channel.CallUnaryAsync("/test.Peer/AwaitCancelled", Bytes(id))));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Disposing_cancels_the_call(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        string id = $"dispose-{server}";
        GrpcCall call = channel.StartCall("/test.Peer/Hang");
        await call.WriteAsync(Bytes(id));
        await call.ReadAsync();
        Task<ReadOnlyMemory<byte>?> read = call.ReadAsync().AsTask();
        await call.DisposeAsync();
        Assert.Equal(GrpcStatusCode.Cancelled, (await Assert.ThrowsAsync<GrpcException>(() => read)).StatusCode);
        Assert.Equal(id, Text(await channel.CallUnaryAsync("/test.Peer/AwaitCancelled", Bytes(id))));
        Assert.Equal(GrpcStatusCode.Cancelled, (await Assert.ThrowsAsync<GrpcException>(() => call.WriteAsync(Bytes("x")).AsTask())).StatusCode);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Disposing_the_channel_ends_its_calls(string server)
    {
        GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Hang");
        await call.WriteAsync(Bytes($"channel-{server}"));
        await call.ReadAsync();
        await channel.DisposeAsync();
        Assert.Equal(GrpcStatusCode.Cancelled, (await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask())).StatusCode);
        Assert.Throws<ObjectDisposedException>(() => channel.StartCall("/test.Peer/Unary"));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_read_that_is_given_up_loses_no_message(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await using GrpcCall call = channel.StartCall("/test.Peer/Duplex");
        await call.WriteAsync(Bytes("a"));
        Assert.Equal("a", Text((await call.ReadAsync())!.Value));
        using CancellationTokenSource cancel = new();
        Task<ReadOnlyMemory<byte>?> read = call.ReadAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await call.WriteAsync(Bytes("b"));
        Assert.Equal("b", Text((await call.ReadAsync())!.Value));
        await call.CompleteAsync();
        Assert.Null(await call.ReadAsync());
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Messages_are_compressed_when_asked(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        GrpcCallOptions options = new() { SendGzip = true };
        string text = string.Concat(Enumerable.Range(0, 10_000));
        Assert.Equal(text, Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes(text), options)));
        Assert.Equal("", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes(""), options)));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_message_of_100_MiB_goes_both_ways(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        byte[] message = new byte[100 * 1024 * 1024];
        new Random(1).NextBytes(message);
        ReadOnlyMemory<byte> answer = await channel.CallUnaryAsync("/test.Peer/Unary", message);
        Assert.True(answer.Span.SequenceEqual(message));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Many_streams_run_at_once(string server)
    {
        await using GrpcChannel channel = peers.Channel(server);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(async i =>
        {
            await using GrpcCall call = channel.StartCall("/test.Peer/Duplex");
            for (int j = 0; j < 3; j++)
            {
                await call.WriteAsync(Bytes($"{i}/{j}"));
                Assert.Equal($"{i}/{j}", Text((await call.ReadAsync())!.Value));
            }
            await call.CompleteAsync();
            Assert.Null(await call.ReadAsync());
        }));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_message_above_the_limit_is_refused_and_one_at_the_limit_is_not(string server)
    {
        await using GrpcChannel channel = new(new GrpcChannelOptions { Address = peers.Address(server), MaxReceiveMessageSize = 1000 });
        Assert.Equal(1000, (await channel.CallUnaryAsync("/test.Peer/Big", Bytes("1000"))).Length);
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Big", Bytes("1001")));
        Assert.Equal(GrpcStatusCode.ResourceExhausted, e.StatusCode);
        Assert.Contains("1001 bytes; the limit is 1000", e.Detail, StringComparison.Ordinal);
    }
}
