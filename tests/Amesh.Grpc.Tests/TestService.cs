using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Amesh.Grpc.Server;

namespace Amesh.Grpc.Tests;

/// <summary>The service test.Peer on our own server; native-tests/control-plane/peers/grpc-js-server.mjs is its twin.</summary>
internal static class TestService
{
    public static GrpcServer Map(GrpcServer server)
    {
        ConcurrentDictionary<string, TaskCompletionSource> cancelled = new();
        TaskCompletionSource Cancelled(string id) => cancelled.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        return server
            .Map("/test.Peer/Unary", async call =>
            {
                Copy(call.RequestHeaders, "x-head", call.ResponseHeaders);
                Copy(call.RequestHeaders, "x-trail", call.Trailers);
                await call.WriteAsync((await call.ReadAsync())!.Value);
            })
            .Map("/test.Peer/Duplex", async call =>
            {
                while (await call.ReadAsync() is { } message)
                {
                    await call.WriteAsync(message);
                }
            })
            .Map("/test.Peer/Gzip", async call =>
            {
                call.SendGzip = true;
                await call.WriteAsync((await call.ReadAsync())!.Value);
            })
            .Map("/test.Peer/Fail", async call =>
            {
                string[] parts = Text((await call.ReadAsync())!.Value).Split(' ', 3);
                for (int i = 0; i < int.Parse(parts[1], CultureInfo.InvariantCulture); i++)
                {
                    await call.WriteAsync(Bytes($"message {i}"));
                }
                GrpcMetadata trailers = new();
                Copy(call.RequestHeaders, "x-trail", trailers);
                throw new GrpcException((GrpcStatusCode)int.Parse(parts[0], CultureInfo.InvariantCulture), parts[2], trailers);
            })
            .Map("/test.Peer/Greet", call => call.WriteAsync(Bytes("hello")).AsTask())
            .Map("/test.Peer/EndEarly", async call => await call.WriteAsync((await call.ReadAsync())!.Value))
            .Map("/test.Peer/Collect", async call =>
            {
                long total = 0;
                while (await call.ReadAsync() is { } message)
                {
                    total += message.Length;
                }
                await call.WriteAsync(Bytes(total.ToString(CultureInfo.InvariantCulture)));
            })
            .Map("/test.Peer/Hang", async call =>
            {
                ReadOnlyMemory<byte> id = (await call.ReadAsync())!.Value;
                await call.WriteAsync(id);
                try
                {
                    await Task.Delay(Timeout.Infinite, call.CancellationToken);
                }
                finally
                {
                    Cancelled(Text(id)).TrySetResult();
                }
            })
            .Map("/test.Peer/AwaitCancelled", async call =>
            {
                ReadOnlyMemory<byte> id = (await call.ReadAsync())!.Value;
                await Cancelled(Text(id)).Task.WaitAsync(call.CancellationToken);
                await call.WriteAsync(id);
            })
            .Map("/test.Peer/Deadline", async call => await call.WriteAsync(Bytes(
                call.Deadline is { } deadline ? ((long)(deadline - DateTimeOffset.UtcNow).TotalMilliseconds).ToString(CultureInfo.InvariantCulture) : "none")))
            .Map("/test.Peer/Big", async call =>
            {
                byte[] message = new byte[int.Parse(Text((await call.ReadAsync())!.Value), CultureInfo.InvariantCulture)];
                message.AsSpan().Fill((byte)'x');
                await call.WriteAsync(message);
            })
            .Map("/test.Peer/Reset", async call =>
            {
                await call.ReadAsync();
                call.Reset(2);
            })
            .Map("/test.Peer/Throw", _ => throw new InvalidOperationException("secret"));
    }

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static void Copy(GrpcMetadata from, string prefix, GrpcMetadata to)
    {
        foreach ((string name, string value) in from.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            if (name.EndsWith("-bin", StringComparison.Ordinal))
            {
                to.AddBinary(name, Convert.FromBase64String(value.PadRight((value.Length + 3) / 4 * 4, '=')));
            }
            else
            {
                to.Add(name, value);
            }
        }
    }
}
