using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;

namespace Amesh.Health;

/// <summary>Asks gRPC's health service: <c>grpc.health.v1.Health/Check</c> must answer SERVING.</summary>
internal sealed class GrpcProbe : IProbe
{
    private const string Path = "/grpc.health.v1.Health/Check";
    private const string ContentType = "application/grpc";
    private const int FrameHead = 5;
    private const int MostAnswer = 4096;
    private const byte ServiceField = 0x0a;
    private const byte StatusField = 0x08;
    private const byte Serving = 1;

    private readonly HealthTarget _target;
    private readonly GrpcQuestion _question;
    private readonly byte[] _message;
    private readonly HttpConnection _connection;
    private volatile HealthTls? _tls;

    public GrpcProbe(HealthTarget target, GrpcQuestion question)
    {
        _target = target;
        _question = question;
        _message = MessageOf(question.Service);
        _connection = new HttpConnection(target, http2: true, () => _tls);
    }

    public HealthTls? Tls { get => _tls; set => _tls = value; }

    public async Task<(CheckResult Result, string Reason)> AskAsync(CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, HttpConnection.UriOf(Path)) { Content = new ByteArrayContent(_message) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentType);
        request.Headers.Host = _target.Authority;
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("User-Agent", "Envoy/HC");
        request.Headers.TryAddWithoutValidation("grpc-timeout", _target.Check.Timeout.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) + "m");
        foreach (HealthHeader header in _question.Metadata)
        {
            if (header.Replaces)
            {
                request.Headers.Remove(header.Name);
            }

            request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }

        using HttpResponseMessage response = await _connection.SendAsync(request, ct).ConfigureAwait(false);
        byte[] answer = new byte[MostAnswer];
        using Stream body = await response.Content.ReadAsStreamAsync(ct).ConfigureAwait(false);
        int length = await body.ReadAtLeastAsync(answer, MostAnswer, throwOnEndOfStream: false, ct).ConfigureAwait(false);
        if (!_target.Check.ReuseConnection)
        {
            Reset();
        }

        return Judge(response, answer.AsSpan(0, length));
    }

    public void Reset() => _connection.Reset();

    public void Dispose() => _connection.Dispose();

    private static (CheckResult Result, string Reason) Judge(HttpResponseMessage response, ReadOnlySpan<byte> answer)
    {
        if ((int)response.StatusCode != 200 || response.Content.Headers.ContentType?.MediaType?.StartsWith(ContentType, StringComparison.Ordinal) != true)
        {
            return (CheckResult.Bad, $"its health check answers {(int)response.StatusCode} and is no gRPC");
        }

        // An answer without a message has its status among the headers.
        string status = StatusOf(response.TrailingHeaders) ?? StatusOf(response.Headers) ?? "none";
        return status != "0" ? (CheckResult.Bad, $"its health check ends with gRPC status {status}")
            : IsServing(answer) ? (CheckResult.Good, "")
            : (CheckResult.Bad, "its health check does not say SERVING");
    }

    private static string? StatusOf(HttpResponseHeaders headers) => headers.TryGetValues("grpc-status", out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    // One message with one field, which a server may leave out for 0 (UNKNOWN). Fields to come are passed over by nobody: there are none.
    private static bool IsServing(ReadOnlySpan<byte> answer) =>
        answer.Length >= FrameHead + 2 && answer[0] == 0 && answer[FrameHead] == StatusField && answer[FrameHead + 1] == Serving;

    private static byte[] MessageOf(string service)
    {
        byte[] name = Encoding.UTF8.GetBytes(service);
        var message = new List<byte>();
        if (name.Length > 0)
        {
            message.Add(ServiceField);
            for (uint length = (uint)name.Length; ; length >>= 7)
            {
                message.Add((byte)(length > 0x7f ? (length & 0x7f) | 0x80 : length));
                if (length <= 0x7f)
                {
                    break;
                }
            }

            message.AddRange(name);
        }

        byte[] frame = new byte[FrameHead + message.Count];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Count);
        message.CopyTo(frame, FrameHead);
        return frame;
    }
}
