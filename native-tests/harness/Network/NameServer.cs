using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Amesh.Harness.Network;

/// <summary>
/// A small DNS server on 127.0.0.1:53 that knows the names of a run: their addresses, no other record of them, and no other name. One loop
/// answers one datagram after another.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    /// <summary>Where it listens.</summary>
    public static readonly IPAddress Address = IPAddress.Loopback;

    private const int HeaderSize = 12;
    private const ushort TypeA = 1;
    private const ushort TypeAaaa = 28;
    private const uint Lifetime = 5;
    private readonly IReadOnlyDictionary<string, string> _names;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    /// <summary>Begins to answer.</summary>
    /// <param name="names">Addresses by name.</param>
    /// <param name="port">53 but in tests.</param>
    public NameServer(IReadOnlyDictionary<string, string> names, int port = 53)
    {
        _names = names;
        _socket.Bind(new IPEndPoint(Address, port));
        _serving = ServeAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>What a resolver is told about it.</summary>
    public static string ResolverConfiguration => $"nameserver {Address}\noptions ndots:1 timeout:1 attempts:2\n";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[1500];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var received = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (Answer(buffer.AsSpan(0, received.ReceivedBytes), _names) is { } answer)
                {
                    await _socket.SendToAsync(answer, received.RemoteEndPoint, _stop.Token);
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A client that is gone already is its own business; an end of the run ends the loop.
            }
        }
    }

    /// <summary>The answer to a query with one question; null when it is none.</summary>
    internal static byte[]? Answer(ReadOnlySpan<byte> query, IReadOnlyDictionary<string, string> names)
    {
        if (query.Length < HeaderSize || BinaryPrimitives.ReadUInt16BigEndian(query[4..]) != 1)
        {
            return null;
        }
        var name = new StringBuilder();
        var at = HeaderSize;
        while (at < query.Length && query[at] is > 0 and < 64 and var length && at + length < query.Length)
        {
            name.Append(name.Length > 0 ? "." : "").Append(Encoding.ASCII.GetString(query.Slice(at + 1, length)));
            at += length + 1;
        }
        if (at + 5 > query.Length || query[at] != 0)
        {
            return null;
        }
        var type = BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]);
        var address = names.GetValueOrDefault(name.ToString().ToLowerInvariant()) is { } text ? IPAddress.Parse(text) : null;
        var fits = address is not null && type == (address.AddressFamily == AddressFamily.InterNetwork ? TypeA : TypeAaaa);
        var question = query[HeaderSize..(at + 5)];
        using var answer = new MemoryStream();
        answer.Write(query[..2]);
        // An authoritative answer; NXDOMAIN where nothing has the name.
        WriteShort(answer, (ushort)(0x8580 | (address is null ? 3 : 0)));
        WriteShort(answer, 1);
        WriteShort(answer, (ushort)(fits ? 1 : 0));
        WriteShort(answer, 0);
        WriteShort(answer, 0);
        answer.Write(question);
        if (fits)
        {
            var bytes = address!.GetAddressBytes();
            WriteShort(answer, 0xC000 | HeaderSize);
            WriteShort(answer, type);
            WriteShort(answer, 1);
            WriteShort(answer, 0);
            WriteShort(answer, (ushort)Lifetime);
            WriteShort(answer, (ushort)bytes.Length);
            answer.Write(bytes);
        }
        return answer.ToArray();
    }

    private static void WriteShort(MemoryStream to, ushort value)
    {
        to.WriteByte((byte)(value >> 8));
        to.WriteByte((byte)value);
    }
}
