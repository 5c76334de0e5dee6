using System.Net;
using System.Text;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Client;

/// <summary>One HTTP/2 request with prior knowledge over a stream that is connected already.</summary>
internal static class Http2Client
{
    /// <summary>Sends the request and reads the whole answer.</summary>
    public static async Task<Reply> SendAsync(Stream stream, string caseId, SentRequest request, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler { ConnectCallback = (_, _) => ValueTask.FromResult(stream), AllowAutoRedirect = false, UseProxy = false };
        using var invoker = new HttpMessageInvoker(handler);
        // The path must not be normalised: what it looks like to the proxy is what is tested.
        var uri = new Uri($"http://{request.To}{request.Path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), uri) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        message.Headers.Host = request.Host;
        message.Headers.TryAddWithoutValidation("user-agent", "verdict");
        message.Headers.TryAddWithoutValidation("x-case", caseId);
        if (request.Body is not null || request.Method is "POST" or "PUT")
        {
            message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(request.Body ?? ""));
        }
        foreach (var (name, value) in request.Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }
        using var response = await invoker.SendAsync(message, stop);
        var body = await response.Content.ReadAsStringAsync(stop);
        var headers = response.Headers.Concat(response.Content.Headers)
            .SelectMany(static header => header.Value.Select(value => new KeyValuePair<string, string>(header.Key, value)));
        return new Reply { Status = ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture), Headers = VerdictClient.Group(headers), Body = body };
    }
}
