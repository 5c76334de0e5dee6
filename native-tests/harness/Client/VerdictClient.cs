using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Amesh.Harness.Certificates;
using Amesh.Harness.Endpoints;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Client;

/// <summary>
/// Sends requests as an application behind the proxy would: each on a connection of its own, exactly the bytes asked for, marked with
/// <c>x-case</c> and <c>user-agent: verdict</c>.
/// </summary>
/// <param name="certificates">What clients show; without it no client shows one.</param>
/// <param name="sockets">Makes its sockets; without it they are of this process's network.</param>
internal sealed class VerdictClient(ClientCertificates? certificates = null, Func<AddressFamily, Socket>? sockets = null)
{
    /// <summary>How long an answer may take before it is none.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>Sends one request. Failures are part of the reply, never thrown.</summary>
    public async Task<Reply> SendAsync(string caseId, SentRequest request)
    {
        var clock = Stopwatch.StartNew();
        using var limit = new CancellationTokenSource(Patience);
        Reply reply;
        try
        {
            await using var stream = await ConnectAsync(request, limit.Token);
            reply = request.Proto switch
            {
                "http" => await Http1Async(stream, caseId, request, limit.Token),
                "h2c" => await Http2Client.SendAsync(stream, caseId, request, limit.Token),
                "https" => await HttpsAsync(stream, caseId, request, limit.Token),
                "tcp" => await LineAsync(stream, caseId, limit.Token),
                "tls" => await TlsLineAsync(stream, caseId, request, limit.Token),
                _ => new Reply { Status = Reply.NoAnswer, Error = $"unknown protocol {request.Proto}" },
            };
        }
        catch (Exception e) when (IsNetwork(e))
        {
            var status = request.Proto is "tcp" or "tls" ? Reply.ClosedWithoutAnswer : Reply.NoAnswer;
            reply = new Reply { Status = status, Error = e is OperationCanceledException ? $"nothing within {Patience.TotalSeconds} s" : e.Message };
        }
        return reply with { Seconds = clock.Elapsed.TotalSeconds };
    }

    private static bool IsNetwork(Exception e) =>
        e is IOException or SocketException or OperationCanceledException or HttpRequestException or AuthenticationException or FormatException;

    private async Task<Stream> ConnectAsync(SentRequest request, CancellationToken stop)
    {
        var to = IPEndPoint.Parse(request.To);
        var socket = sockets?.Invoke(to.AddressFamily) ?? new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            if (request.From is { } from)
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            }
            await socket.ConnectAsync(to, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Reply> Http1Async(Stream stream, string caseId, SentRequest request, CancellationToken stop)
    {
        await stream.WriteAsync(Bytes(caseId, request), stop);
        var reader = new ByteReader(stream);
        var head = await Http1Message.ReadHeadAsync(reader, stop);
        while (head is not null && Code(head) is "100" or "103")
        {
            head = await Http1Message.ReadHeadAsync(reader, stop);
        }
        if (head is null)
        {
            return new Reply { Status = Reply.NoAnswer, Error = "end of stream" };
        }
        var code = Code(head);
        var hasBody = request.Method != "HEAD" && code is not ("101" or "204" or "304");
        var message = hasBody ? await head.WithBodyAsync(reader, untilEnd: true, stop) : head;
        return new Reply
        {
            Status = code,
            Headers = Group(message.Headers),
            Body = Http1Message.Text(message.Body),
            Error = message.Whole ? null : "body cut short",
        };
    }

    private static string Code(Http1Message message) => message.StartLine.Split(' ') is [_, var code, ..] ? code : message.StartLine;

    /// <summary>The whole request as it goes over the wire.</summary>
    internal static byte[] Bytes(string caseId, SentRequest request)
    {
        var head = new StringBuilder($"{request.Method} {request.Path} HTTP/1.1\r\nHost: {request.Host}\r\nuser-agent: verdict\r\nx-case: {caseId}\r\n");
        var hasConnection = false;
        foreach (var (name, value) in request.Headers)
        {
            hasConnection |= name.Equals("connection", StringComparison.OrdinalIgnoreCase);
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }
        if (!hasConnection)
        {
            head.Append("connection: close\r\n");
        }
        var body = request.Body is null ? [] : Encoding.UTF8.GetBytes(request.Body);
        if (body.Length > 0 || request.Method is "POST" or "PUT" or "PATCH")
        {
            head.Append(CultureInfo.InvariantCulture, $"content-length: {body.Length}\r\n");
        }
        return [.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. body];
    }

    private async Task<Reply> HttpsAsync(Stream stream, string caseId, SentRequest request, CancellationToken stop)
    {
        await using var tls = await HandshakeAsync(stream, request, stop);
        return tls.NegotiatedApplicationProtocol.ToString() is "h2" or "istio-h2"
            ? await Http2Client.SendAsync(tls, caseId, request, stop)
            : await Http1Async(tls, caseId, request, stop);
    }

    private async Task<Reply> TlsLineAsync(Stream stream, string caseId, SentRequest request, CancellationToken stop)
    {
        SslStream tls;
        try
        {
            tls = await HandshakeAsync(stream, request, stop);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return new Reply { Status = Reply.HandshakeFailed, Error = e.Message };
        }
        await using (tls)
        {
            return await LineAsync(tls, caseId, stop);
        }
    }

    private async Task<SslStream> HandshakeAsync(Stream stream, SentRequest request, CancellationToken stop)
    {
        var tls = new SslStream(stream);
        var shown = request.Client is { } name ? certificates?.Of(name) ?? throw new HarnessException($"client certificate {name}: this run has none") : null;
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = request.Sni,
                ApplicationProtocols = request.Alpn.Count == 0 ? null : [.. request.Alpn.Select(static name => new SslApplicationProtocol(name))],
                ClientCertificates = shown is null ? null : [shown],
                // Whatever names of authorities the server sends: it shows what it was told to.
                LocalCertificateSelectionCallback = shown is null ? null : (_, _, _, _, _) => shown,
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            },
            stop);
        return tls;
    }

    private static async Task<Reply> LineAsync(Stream stream, string caseId, CancellationToken stop)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"~{caseId}\n"), stop);
        var answer = Http1Message.Text(await new ByteReader(stream).ReadAsync(65536, stop)).TrimEnd('\n');
        return answer.Length == 0
            ? new Reply { Status = Reply.ClosedWithoutAnswer, Error = "end of stream" }
            : new Reply { Status = Reply.Answered, Body = answer };
    }

    internal static Dictionary<string, List<string>> Group(IEnumerable<KeyValuePair<string, string>> headers) =>
        headers.GroupBy(static header => header.Key.ToLowerInvariant(), static header => header.Value)
            .ToDictionary(static group => group.Key, static group => group.ToList());
}
