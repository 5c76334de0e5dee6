using System.Text;

namespace Amesh.Harness.Endpoints;

/// <summary>Serves HTTP/1.1 on one connection: a report for each request, keep-alive, chunked bodies, <c>Expect</c> and WebSocket upgrades.</summary>
internal sealed class Http1Endpoint(RequestLog log, EndpointConnection connection)
{
    /// <summary>Serves until the peer closes, asks to close, or is upgraded.</summary>
    public async Task ServeAsync(CancellationToken stop)
    {
        var reader = connection.Reader;
        while (await Http1Message.ReadHeadAsync(reader, stop) is { } head)
        {
            if (head.Header("expect") is not null)
            {
                await reader.Stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stop);
            }
            var message = await head.WithBodyAsync(reader, untilEnd: false, stop);
            var seen = Seen(message);
            log.Add(message.Header("x-case"), seen);
            if (message.Header("upgrade")?.Equals("websocket", StringComparison.OrdinalIgnoreCase) == true)
            {
                await UpgradeAsync(stop);
                return;
            }
            var answer = Answer.To(seen);
            if (answer.After > TimeSpan.Zero)
            {
                await Task.Delay(answer.After, stop);
            }
            var close = message.Header("connection")?.Contains("close", StringComparison.OrdinalIgnoreCase) == true
                || message.StartLine.EndsWith("HTTP/1.0", StringComparison.Ordinal);
            await WriteAsync(answer, seen, close, stop);
            if (close)
            {
                return;
            }
        }
    }

    private SeenRequest Seen(Http1Message message)
    {
        var parts = message.StartLine.Split(' ', 3);
        var headers = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (name, value) in message.Headers)
        {
            var lower = name.ToLowerInvariant();
            if (lower is "host" or "x-case" or "transfer-encoding")
            {
                continue;
            }
            if (!headers.TryGetValue(lower, out var values))
            {
                headers[lower] = values = [];
            }
            values.Add(value);
        }
        return new SeenRequest
        {
            ServedBy = connection.Address,
            Method = parts[0],
            Path = parts.Length > 1 ? parts[1] : "",
            Proto = parts.Length > 2 ? parts[2] : "HTTP/0.9",
            Host = message.Header("host") ?? "",
            Headers = headers,
            Body = message.Body.Length > 0 ? Http1Message.Text(message.Body) : null,
            Sni = connection.Sni,
            Peer = connection.Peer,
        };
    }

    private async Task UpgradeAsync(CancellationToken stop)
    {
        var head = $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{Answer.EndpointHeader}: {connection.Address}\r\n\r\n";
        await connection.Reader.Stream.WriteAsync(Encoding.Latin1.GetBytes(head), stop);
    }

    private async Task WriteAsync(Answer answer, SeenRequest seen, bool close, CancellationToken stop)
    {
        var head = new StringBuilder($"HTTP/1.1 {answer.Status} {(answer.IsReport ? "OK" : "As Asked")}\r\n");
        if (answer.IsReport)
        {
            head.Append("Content-Type: application/json\r\nX-From-Backend: yes\r\n");
        }
        head.Append($"{Answer.EndpointHeader}: {seen.ServedBy}\r\n");
        if (answer.Status is not (204 or 304))
        {
            head.Append($"Content-Length: {answer.Body.Length}\r\n");
        }
        head.Append(close ? "Connection: close\r\n\r\n" : "\r\n");
        var bytes = Encoding.Latin1.GetBytes(head.ToString());
        await connection.Reader.Stream.WriteAsync(seen.Method == "HEAD" ? bytes : [.. bytes, .. answer.Body], stop);
    }
}
