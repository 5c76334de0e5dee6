using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Amesh.Health;

/// <summary>Asks by TCP: for a connection, or for bytes over it.</summary>
internal sealed class TcpProbe(HealthTarget target, TcpQuestion question) : IProbe
{
    // The PROXY protocol's signature, its second version, and "not for anybody".
    private static readonly byte[] _localHead = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20, 0x00, 0x00, 0x00];

    private const int MostReceived = 65536;

    private Stream? _stream;
    private volatile HealthTls? _tls;

    public HealthTls? Tls { get => _tls; set => _tls = value; }

    public async Task<(CheckResult Result, string Reason)> AskAsync(CancellationToken ct)
    {
        if (_stream is null)
        {
            _stream = await Connection.OpenAsync(target, _tls, isHttp: false, ct).ConfigureAwait(false);
            if (question.ProxyProtocol > 0)
            {
                await _stream.WriteAsync(question.ProxyProtocol == 2 ? _localHead : TextHead(_stream), ct).ConfigureAwait(false);
            }
        }

        if (question.Receive.Count == 0)
        {
            Reset();
            return (CheckResult.Good, "");
        }

        await _stream.WriteAsync(question.Send, ct).ConfigureAwait(false);
        byte[] received = new byte[MostReceived];
        int length = 0;

        // What is not the answer yet may become it, until the time is over.
        while (!Payload.Holds(question.Receive, received.AsSpan(0, length)))
        {
            int read = await _stream.ReadAsync(received.AsMemory(length), ct).ConfigureAwait(false);
            if (read == 0)
            {
                Reset();
                return (CheckResult.None, length == MostReceived ? "its health check answers too much" : "it closes the connection of its health check");
            }

            length += read;
        }

        if (!target.Check.ReuseConnection)
        {
            Reset();
        }

        return (CheckResult.Good, "");
    }

    public void Reset()
    {
        _stream?.Dispose();
        _stream = null;
    }

    public void Dispose() => Reset();

    private static byte[] TextHead(Stream stream)
    {
        Stream inner = stream is SslStream ? Stream.Null : stream;
        return inner is NetworkStream { Socket: { LocalEndPoint: IPEndPoint own, RemoteEndPoint: IPEndPoint other } }
            ? Encoding.ASCII.GetBytes($"PROXY TCP{(own.AddressFamily == AddressFamily.InterNetworkV6 ? 6 : 4)} {own.Address} {other.Address} {own.Port} {other.Port}\r\n")
            : "PROXY UNKNOWN\r\n"u8.ToArray();
    }
}
