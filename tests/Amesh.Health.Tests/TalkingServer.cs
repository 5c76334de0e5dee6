using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Amesh.Health.Tests;

/// <summary>Accepts connections on loopback and answers what the test says to each text that comes.</summary>
internal sealed class TalkingServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SslServerAuthenticationOptions? _tls;
    private int _connections;

    public TalkingServer(Func<string, string?> answer, SslServerAuthenticationOptions? tls = null)
    {
        Answer = answer;
        _tls = tls;
        _listener.Start();
        _ = AcceptAsync();
    }

    public uint Port => (uint)((IPEndPoint)_listener.LocalEndpoint).Port;

    public Func<string, string?> Answer { get; set; }

    public int Connections => _connections;

    public ConcurrentQueue<string> Received { get; } = new();

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync();
                Interlocked.Increment(ref _connections);
                _ = TalkAsync(socket);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task TalkAsync(Socket socket)
    {
        try
        {
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (_tls is not null)
            {
                var encrypted = new SslStream(stream);
                stream = encrypted;
                await encrypted.AuthenticateAsServerAsync(_tls);
            }

            using Stream owned = stream;
            byte[] buffer = new byte[65536];
            while (await stream.ReadAsync(buffer) is > 0 and var read)
            {
                string text = Encoding.Latin1.GetString(buffer, 0, read);
                Received.Enqueue(text);
                if (Answer(text) is not { } answer)
                {
                    return;
                }

                await stream.WriteAsync(Encoding.Latin1.GetBytes(answer));
            }
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The other side has had enough.
        }
    }
}
