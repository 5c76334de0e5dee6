using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Amesh.Dns;

/// <summary>One question to one server: over UDP, and over TCP where the answer does not fit or the caller says so.</summary>
/// <remarks>
/// Our own, because no package of a DNS client can be restored, and <c>System.Net.Dns</c> tells neither times to live
/// nor "no such name" from "no answer", and takes no server. What is needed of DNS is small: two types of records.
/// </remarks>
internal static class DnsExchange
{
    private const int MaxTcpSize = 65535;

    /// <exception cref="SocketException">The server cannot be reached.</exception>
    /// <exception cref="OperationCanceledException">No answer in time.</exception>
    public static async Task<DnsReply> AskAsync(IPEndPoint server, string name, ushort type, bool useTcp, CancellationToken ct)
    {
        DnsReply reply = await AskOnceAsync(server, name, type, useTcp, extended: true, ct).ConfigureAwait(false);

        // Servers from before 1999 know no OPT.
        return reply.Code is DnsCode.FormatError or DnsCode.NotImplemented
            ? await AskOnceAsync(server, name, type, useTcp, extended: false, ct).ConfigureAwait(false)
            : reply;
    }

    private static async Task<DnsReply> AskOnceAsync(IPEndPoint server, string name, ushort type, bool useTcp, bool extended, CancellationToken ct)
    {
        byte[] question = DnsMessage.Question((ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1), name, type, extended);
        if (!useTcp)
        {
            DnsReply reply = await OverUdpAsync(server, question, type, ct).ConfigureAwait(false);
            if (!reply.IsTruncated)
            {
                return reply;
            }
        }

        return await OverTcpAsync(server, question, type, ct).ConfigureAwait(false);
    }

    private static async Task<DnsReply> OverUdpAsync(IPEndPoint server, byte[] question, ushort type, CancellationToken ct)
    {
        // A socket of its own, so that each question leaves from another port: with the id, what makes answers hard to forge.
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, ct).ConfigureAwait(false);
        await socket.SendAsync(question, ct).ConfigureAwait(false);
        byte[] buffer = new byte[DnsMessage.UdpSize * 4];
        while (true)
        {
            int length = await socket.ReceiveAsync(buffer, ct).ConfigureAwait(false);
            ReadOnlySpan<byte> message = buffer.AsSpan(0, length);
            if (DnsMessage.Answers(message, question) && DnsMessage.Read(message, type) is { } reply)
            {
                return reply;
            }
        }
    }

    private static async Task<DnsReply> OverTcpAsync(IPEndPoint server, byte[] question, ushort type, CancellationToken ct)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, ct).ConfigureAwait(false);
        using var stream = new NetworkStream(socket);
        byte[] framed = new byte[question.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed, 2);
        byte[] buffer = new byte[MaxTcpSize];
        try
        {
            await stream.WriteAsync(framed, ct).ConfigureAwait(false);
            await stream.ReadExactlyAsync(buffer.AsMemory(0, 2), ct).ConfigureAwait(false);
            int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
            await stream.ReadExactlyAsync(buffer.AsMemory(0, length), ct).ConfigureAwait(false);
            ReadOnlySpan<byte> message = buffer.AsSpan(0, length);
            if (DnsMessage.Answers(message, question) && DnsMessage.Read(message, type) is { } reply)
            {
                return reply;
            }
        }
        catch (IOException)
        {
            // Cut off: as good as no answer.
        }

        throw new SocketException((int)SocketError.ConnectionReset);
    }
}
