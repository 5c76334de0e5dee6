using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Amesh.Dns.Tests;

/// <summary>A name server on loopback, over UDP and TCP, that says what a test tells it to.</summary>
internal sealed class NameServer : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public NameServer()
    {
        _tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _tcp.Listen();
        Port = ((IPEndPoint)_tcp.LocalEndPoint!).Port;
        _udp.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        _ = ServeUdpAsync();
        _ = ServeTcpAsync();
    }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>The names that were asked for, with the protocol: <c>udp A name</c>.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    /// <summary>The answers to "NAME TYPE". What is not here does not exist.</summary>
    public ConcurrentDictionary<string, Zone> Zones { get; } = [];

    public Zone this[string name]
    {
        set => Zones[name] = value;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _udp.Dispose();
        _tcp.Dispose();
        _stop.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        byte[] buffer = new byte[4096];
        while (!_stop.IsCancellationRequested)
        {
            SocketReceiveFromResult got = await _udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
            foreach (byte[] answer in Answer(buffer.AsSpan(0, got.ReceivedBytes), "udp"))
            {
                await _udp.SendToAsync(answer, got.RemoteEndPoint);
            }
        }
    }

    private async Task ServeTcpAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using Socket peer = await _tcp.AcceptAsync();
            byte[] buffer = new byte[4096];
            int length = await peer.ReceiveAsync(buffer);
            foreach (byte[] answer in Answer(buffer.AsSpan(2, length - 2), "tcp"))
            {
                byte[] size = new byte[2];
                BinaryPrimitives.WriteUInt16BigEndian(size, (ushort)answer.Length);
                await peer.SendAsync(size.Concat(answer).ToArray());
            }
        }
    }

    private List<byte[]> Answer(ReadOnlySpan<byte> question, string protocol)
    {
        int at = 12;
        var labels = new List<string>();
        while (question[at] != 0)
        {
            labels.Add(Encoding.ASCII.GetString(question.Slice(at + 1, question[at])));
            at += question[at] + 1;
        }

        string name = string.Join('.', labels);
        string type = question[at + 2] == DnsMessage.TypeA ? "A" : "AAAA";
        bool extended = question[11] == 1;
        Asked.Enqueue($"{protocol} {type} {name}");
        Zone zone = Zones.GetValueOrDefault($"{name} {type}") ?? Zones.GetValueOrDefault(name) ?? new Zone { Code = 3 };
        if (zone.Silent)
        {
            return [];
        }

        int code = zone.RefusesExtensions && extended ? 1 : zone.Code;
        bool cut = zone.TooBigForUdp && protocol == "udp";
        var message = new List<byte>(question[..(at + 5)].ToArray())
        {
            [2] = (byte)(0x81 | (cut ? 2 : 0)),
            [3] = (byte)(0x80 | code),
            [11] = 0,
        };
        Record[] records = cut || code != 0 ? [] : [.. zone.Records.Where(r => r.Type == type || r.Type == "CNAME")];
        message[6] = (byte)(records.Length >> 8);
        message[7] = (byte)records.Length;
        foreach (Record record in records)
        {
            message.AddRange(record.Name is null ? [0xc0, 12] : Name(record.Name));
            byte[] data = record.Type == "CNAME" ? Name(record.Data) : IPAddress.Parse(record.Data).GetAddressBytes();
            byte[] head = new byte[10];
            BinaryPrimitives.WriteUInt16BigEndian(head, record.Type switch { "A" => 1, "AAAA" => 28, _ => 5 });
            head[3] = 1;
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(4), record.TimeToLive);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(8), (ushort)data.Length);
            message.AddRange(head);
            message.AddRange(data);
        }

        byte[] answer = [.. message];
        if (!zone.ForgedFirst)
        {
            return [answer];
        }

        // Somebody guesses: another id, and another question.
        byte[] wrongId = [.. answer];
        wrongId[0] ^= 0xff;
        wrongId[^1] ^= 1;
        byte[] wrongName = [.. answer];
        wrongName[13] ^= 1;
        wrongName[^1] ^= 1;
        return [wrongId, wrongName, answer];
    }

    private static byte[] Name(string name) =>
        [.. name.Split('.').SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0];
}

/// <summary>What a server knows of a name.</summary>
internal sealed record Zone(params Record[] Records)
{
    public int Code { get; init; }

    public bool Silent { get; init; }

    public bool TooBigForUdp { get; init; }

    public bool RefusesExtensions { get; init; }

    public bool ForgedFirst { get; init; }
}

/// <summary>A record; without a name, of the name that was asked for.</summary>
internal sealed record Record(string Type, string Data, uint TimeToLive = 30, string? Name = null);
