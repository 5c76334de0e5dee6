using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Amesh.Harness.Capture;

/// <summary>A TCP connection of the application, line by line.</summary>
internal sealed class Conversation : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly NetworkStream _stream;

    private Conversation(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    public static async Task<Conversation> OpenAsync(string to)
    {
        var endPoint = IPEndPoint.Parse(to);
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint);
        return new Conversation(socket);
    }

    /// <summary>Says something; a line ends where the text says so.</summary>
    public async Task SayAsync(string text) => await _stream.WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>No more is said; answers are still heard.</summary>
    public void FallSilent() => _stream.Socket.Shutdown(SocketShutdown.Send);

    /// <summary>The next line; null when the other side has ended the connection.</summary>
    public async Task<string?> HearAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var line = new StringBuilder();
        var one = new byte[1];
        try
        {
            while (await _stream.ReadAsync(one, limit.Token) > 0)
            {
                if (one[0] == '\n')
                {
                    return line.ToString();
                }
                line.Append((char)one[0]);
            }
        }
        catch (IOException)
        {
            // A reset ends it as well.
        }
        catch (OperationCanceledException)
        {
            throw new Native.CheckException($"nothing was heard for {Patience.TotalSeconds} s");
        }
        return line.Length == 0 ? null : line.ToString();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
