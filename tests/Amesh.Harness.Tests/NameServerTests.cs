using System.Net.Sockets;
using Amesh.Harness.Network;

namespace Amesh.Harness.Tests;

public class NameServerTests
{
    private static readonly Dictionary<string, string> Names = new() { ["api.bank.example"] = "127.9.0.1", ["six.example"] = "2001:db8::1" };

    [Fact]
    public async Task AKnownNameHasItsAddress()
    {
        await using var server = new NameServer(Names, port: 0);
        using var client = new UdpClient();
        await client.SendAsync(Query("API.bank.example", 1), server.EndPoint);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var answer = (await client.ReceiveAsync(patience.Token)).Buffer;
        Assert.Equal((0, 1), (answer[3] & 0xF, answer[7]));
        Assert.Equal([127, 9, 0, 1], answer[^4..]);
    }

    [Theory]
    [InlineData("api.bank.example", 28, 0, 0)]
    [InlineData("six.example", 28, 0, 1)]
    [InlineData("six.example", 1, 0, 0)]
    [InlineData("nobody.example", 1, 3, 0)]
    public void NothingElseIsAnswered(string name, ushort type, int code, int answers)
    {
        var answer = NameServer.Answer(Query(name, type), Names)!;
        Assert.Equal((code, answers), (answer[3] & 0xF, answer[7]));
    }

    [Fact]
    public void NonsenseIsNotAnswered()
    {
        Assert.Null(NameServer.Answer([1, 2, 3], Names));
        Assert.Null(NameServer.Answer(Query("cut.example", 1).AsSpan()[..^3], Names));
    }

    private static byte[] Query(string name, ushort type) =>
        [7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(static label => new[] { (byte)label.Length }.Concat(System.Text.Encoding.ASCII.GetBytes(label))), 0, (byte)(type >> 8), (byte)type, 0, 1];
}
