using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Amesh.Harness.Capture;

/// <summary>A server that speaks first, as databases do: <c>hello ADDRESS</c>, then every line back as it came.</summary>
internal sealed class TalkingServer : IDisposable
{
    private readonly Socket _listener;
    private readonly string _address;

    public TalkingServer(string address)
    {
        _address = address;
        var endPoint = IPEndPoint.Parse(address);
        _listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(endPoint);
        _listener.Listen(1024);
        _ = AcceptAsync();
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was closed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"hello {_address}\n"));
            var buffer = new byte[4096];
            for (int count; (count = await stream.ReadAsync(buffer)) > 0;)
            {
                await stream.WriteAsync(buffer.AsMemory(0, count));
            }
        }
        catch (IOException)
        {
            // The peer went away.
        }
    }
}
