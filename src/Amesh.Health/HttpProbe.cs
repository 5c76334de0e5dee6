namespace Amesh.Health;

/// <summary>Asks by HTTP.</summary>
internal sealed class HttpProbe : IProbe
{
    private const string Agent = "Envoy/HC";

    private readonly HealthTarget _target;
    private readonly HttpQuestion _question;
    private readonly HttpConnection _connection;
    private volatile HealthTls? _tls;

    public HttpProbe(HealthTarget target, HttpQuestion question)
    {
        _target = target;
        _question = question;
        _connection = new HttpConnection(target, question.Http2, () => _tls);
    }

    public HealthTls? Tls { get => _tls; set => _tls = value; }

    public async Task<(CheckResult Result, string Reason)> AskAsync(CancellationToken ct)
    {
        using HttpRequestMessage request = Request();
        using HttpResponseMessage response = await _connection.SendAsync(request, ct).ConfigureAwait(false);
        byte[] body = await ReadAsync(response, ct).ConfigureAwait(false);
        if (!_target.Check.ReuseConnection || response.Headers.ConnectionClose == true)
        {
            Reset();
        }

        return Judge(response, body);
    }

    public void Reset() => _connection.Reset();

    public void Dispose() => _connection.Dispose();

    private HttpRequestMessage Request()
    {
        var request = new HttpRequestMessage(new HttpMethod(_question.Method), HttpConnection.UriOf(_question.Path));
        if (_question.Body.Length > 0)
        {
            request.Content = new ReadOnlyMemoryContent(_question.Body);
        }

        request.Headers.Host = _target.Authority;
        request.Headers.TryAddWithoutValidation("User-Agent", Agent);
        foreach (HealthHeader header in _question.Headers)
        {
            if (header.Replaces)
            {
                request.Headers.Remove(header.Name);
            }

            if (!request.Headers.TryAddWithoutValidation(header.Name, header.Value))
            {
                request.Content ??= new ReadOnlyMemoryContent(default);
                request.Content.Headers.Remove(header.Name);
                request.Content.Headers.TryAddWithoutValidation(header.Name, header.Value);
            }
        }

        foreach (string name in _question.RemovedHeaders)
        {
            request.Headers.Remove(name);
        }

        return request;
    }

    // An answer is one when its body is there, too.
    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        int most = _question.Receive.Count == 0 ? 0 : _question.MostReceived;
        byte[] kept = new byte[most];
        byte[] buffer = new byte[4096];
        int length = 0;
        using Stream body = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        while (await body.ReadAsync(buffer, ct).ConfigureAwait(false) is > 0 and var read)
        {
            int more = Math.Min(read, most - length);
            buffer.AsSpan(0, more).CopyTo(kept.AsSpan(length));
            length += more;
        }

        return kept[..length];
    }

    private (CheckResult Result, string Reason) Judge(HttpResponseMessage response, byte[] body)
    {
        int status = (int)response.StatusCode;
        if (!IsIn(_question.Expected, status))
        {
            return (IsIn(_question.Retriable, status) ? CheckResult.Retriable : CheckResult.Bad, $"its health check answers {status}");
        }

        if (_question.Service is { } wanted && !NameMatch.Holds(wanted, First(response, "x-envoy-upstream-healthchecked-cluster") ?? ""))
        {
            return (CheckResult.Bad, "its health check is another service's");
        }

        if (!Payload.Holds(_question.Receive, body))
        {
            return (CheckResult.Bad, "its health check answers with another text");
        }

        return (First(response, "x-envoy-degraded") is null ? CheckResult.Good : CheckResult.Degraded, "");
    }

    private static string? First(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() ?? "" : null;

    private static bool IsIn(IReadOnlyList<(long Start, long End)> ranges, int status) => ranges.Any(range => status >= range.Start && status < range.End);
}
