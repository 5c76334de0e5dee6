using System.Net;
using System.Net.Sockets;
using System.Text;
using Amesh.Harness.Certificates;

namespace Amesh.Harness.Endpoints;

/// <summary>
/// One small server on each of many addresses, all in this process: HTTP/1.1, HTTP/2 with prior knowledge and TLS with the same inside, told
/// apart by the first byte; a connection that begins with <c>~NAME\n</c> gets one line. One accept loop per address, one task per connection.
/// </summary>
internal sealed class EndpointServer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, Socket> _listeners = new(StringComparer.Ordinal);
    private readonly Http2Endpoint _http2;
    private readonly EndpointCertificates _certificates;
    private readonly Func<AddressFamily, Socket> _sockets;

    /// <param name="certificates">What endpoints present; without it that for public names.</param>
    /// <param name="sockets">Makes its sockets; without it they are of this process's network.</param>
    public EndpointServer(EndpointCertificates? certificates = null, Func<AddressFamily, Socket>? sockets = null)
    {
        _sockets = sockets ?? (static family => new Socket(family, SocketType.Stream, ProtocolType.Tcp));
        _http2 = new Http2Endpoint(Log);
        _certificates = certificates ?? new EndpointCertificates(new RunAuthority(), new Dictionary<string, IReadOnlyCollection<string>>());
    }

    /// <summary>Every request that arrived.</summary>
    public RequestLog Log { get; } = new();

    /// <summary>The addresses served.</summary>
    public IReadOnlyCollection<string> Addresses => _listeners.Keys;

    /// <summary>Begins to serve an address (<c>127.0.3.1:9080</c>, <c>[::1]:80</c>); an address that is served already stays as it is.</summary>
    public void Listen(string address)
    {
        if (_listeners.ContainsKey(address))
        {
            return;
        }
        var endPoint = IPEndPoint.Parse(address);
        var listener = _sockets(endPoint.AddressFamily);
        // SO_REUSEADDR alone: the portable option would also let two servers share an address.
        listener.SetRawSocketOption(1, 2, [1, 0, 0, 0]);
        listener.Bind(endPoint);
        listener.Listen(1024);
        _listeners.Add(address, listener);
        _ = AcceptAsync(address, listener);
    }

    /// <summary>Stops serving an address: connections to it are refused from now on.</summary>
    public void Close(string address)
    {
        if (_listeners.Remove(address, out var listener))
        {
            listener.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var listener in _listeners.Values)
        {
            listener.Dispose();
        }
        await _http2.DisposeAsync();
        _stop.Dispose();
    }

    private async Task AcceptAsync(string address, Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stop.Token);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return;
            }
            _ = ServeAsync(address, socket);
        }
    }

    private async Task ServeAsync(string address, Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var reader = new ByteReader(stream);
            var connection = new EndpointConnection(address, reader);
            if (await reader.PeekAsync(_stop.Token) == TlsEndpoint.FirstByte)
            {
                await TlsEndpoint.ServeAsync(connection, _certificates, ServePlainAsync, _stop.Token);
            }
            else
            {
                await ServePlainAsync(connection);
            }
            await LingerAsync(socket);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException
            or System.Security.Authentication.AuthenticationException)
        {
            // The peer went away, or spoke nonsense: that is its business, and seen by the case that caused it.
        }
    }

    private async Task ServePlainAsync(EndpointConnection connection)
    {
        switch (await connection.Reader.PeekAsync(_stop.Token))
        {
            case -1:
                return;
            case '~':
                await ServeLineAsync(connection);
                return;
            case 'P' when await IsPrefaceAsync(connection.Reader):
                await _http2.ServeAsync(connection, _stop.Token);
                return;
            default:
                await new Http1Endpoint(Log, connection).ServeAsync(_stop.Token);
                return;
        }
    }

    private static ValueTask<bool> IsPrefaceAsync(ByteReader reader) =>
        ValueTask.FromResult(reader.Buffered.Length >= 3 && reader.Buffered.Span[..3].SequenceEqual("PRI"u8));

    private async Task ServeLineAsync(EndpointConnection connection)
    {
        var name = (await connection.Reader.ReadLineAsync(_stop.Token))?[1..] ?? "";
        Log.Add(name, new SeenRequest { ServedBy = connection.Address, Proto = connection.IsTls ? "tls" : "tcp", Method = "", Path = "", Host = "", Sni = connection.Sni, Peer = connection.Peer });
        var line = connection.IsTls ? $"tls {connection.Address} sni={connection.Sni}\n" : $"tcp {connection.Address}\n";
        await connection.Reader.Stream.WriteAsync(Encoding.Latin1.GetBytes(line), _stop.Token);
    }

    /// <summary>Says goodbye and takes what still comes, so that closing does not reset what the peer has yet to read.</summary>
    private static async Task LingerAsync(Socket socket)
    {
        socket.Shutdown(SocketShutdown.Send);
        var rest = new byte[1024];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        while (await socket.ReceiveAsync(rest, limit.Token) > 0)
        {
        }
    }
}
