using System.Net;
using System.Net.Sockets;
using Amesh.Grpc.Server;
using static Amesh.Grpc.Tests.TestService;

namespace Amesh.Grpc.Tests;

public sealed class ConnectionTests(Certificates certificates) : IClassFixture<Certificates>
{
    private const int Hang = 60_000;

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task A_Unix_socket_carries_calls(string server)
    {
        await using Peer peer = await Peer.StartAsync(server, $"unix:{certificates.FilePath($"{server}.sock")}");
        await using GrpcChannel channel = peer.Channel();
        Assert.Equal("over unix", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("over unix"))));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task TLS_carries_calls_when_the_authority_and_the_name_fit(string server)
    {
        await using Peer peer = await StartTlsAsync(server);
        await using GrpcChannel channel = peer.Channel(new GrpcTlsOptions { CaFile = certificates.CaFile, ServerName = "istiod.istio-system.svc" });
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));
        // Without a name, that of the address: the certificate names 127.0.0.1 too.
        await using GrpcChannel byAddress = peer.Channel(new GrpcTlsOptions { CaFile = certificates.CaFile });
        Assert.Equal("x", Text(await byAddress.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task TLS_fails_when_the_name_does_not_fit(string server)
    {
        await using Peer peer = await StartTlsAsync(server);
        GrpcException e = await FailAsync(peer.Channel(new GrpcTlsOptions { CaFile = certificates.CaFile, ServerName = "elsewhere" }));
        Assert.Contains("no TLS with https://127.0.0.1:", e.Detail, StringComparison.Ordinal);
        Assert.Contains("elsewhere", e.Detail, StringComparison.Ordinal);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task TLS_fails_when_the_authority_is_not_trusted(string server)
    {
        await using Peer peer = await StartTlsAsync(server);
        using Certificates others = new();
        GrpcException e = await FailAsync(peer.Channel(new GrpcTlsOptions { CaFile = others.CaFile }));
        Assert.Contains(others.CaFile, e.Detail, StringComparison.Ordinal);
        // Nor does the system know it.
        Assert.Contains("CaFile", (await FailAsync(peer.Channel())).Detail, StringComparison.Ordinal);
    }

    [Theory(Timeout = Hang), ClassData(typeof(EachServer))]
    public async Task Mutual_TLS_takes_the_clients_certificate_and_insists_on_it(string server)
    {
        await using Peer peer = await StartTlsAsync(server, mutual: true);
        (string certificate, string key) = certificates.Issue($"client-{server}", "client");
        GrpcTlsOptions tls = new() { CaFile = certificates.CaFile, CertificateFile = certificate, KeyFile = key };
        await using GrpcChannel channel = peer.Channel(tls);
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));

        await FailAsync(peer.Channel(new GrpcTlsOptions { CaFile = certificates.CaFile }));
        using Certificates others = new();
        (certificate, key) = others.Issue("stranger", "client");
        await FailAsync(peer.Channel(tls with { CertificateFile = certificate, KeyFile = key }));
    }

    [Fact(Timeout = Hang)]
    public async Task The_server_knows_the_clients_certificate()
    {
        (string certificate, string key) = certificates.Issue("server-known", "127.0.0.1");
        await using GrpcServer server = new(new GrpcServerOptions
        {
            Address = new Uri("https://127.0.0.1:0"),
            Tls = new GrpcServerTlsOptions { CertificateFile = certificate, KeyFile = key, ClientCaFile = certificates.CaFile },
        });
        server.Map("/test.Peer/WhoAmI", call => call.WriteAsync(Bytes(call.ClientCertificate!.Subject)).AsTask());
        await server.StartAsync();
        (certificate, key) = certificates.Issue("client-known", "bookinfo");
        await using GrpcChannel channel = new(new GrpcChannelOptions
        {
            Address = server.Address,
            Tls = new GrpcTlsOptions { CaFile = certificates.CaFile, CertificateFile = certificate, KeyFile = key },
        });
        Assert.Equal("CN=bookinfo", Text(await channel.CallUnaryAsync("/test.Peer/WhoAmI", Bytes(""))));
    }

    [Fact(Timeout = Hang)]
    public async Task TLS_runs_over_a_Unix_socket_too()
    {
        (string certificate, string key) = certificates.Issue("server-unix", "localhost");
        await using Peer peer = await Peer.StartAsync("own", $"unix:{certificates.FilePath("tls.sock")}", new GrpcServerTlsOptions { CertificateFile = certificate, KeyFile = key });
        await using GrpcChannel channel = peer.Channel(new GrpcTlsOptions { CaFile = certificates.CaFile });
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));
    }

    [Fact(Timeout = Hang)]
    public async Task Certificates_are_read_anew_at_each_connection()
    {
        await using Peer peer = await StartTlsAsync("own");
        string caFile = certificates.Write("late-ca.pem", "not yet\n");
        await using GrpcChannel channel = peer.Channel(new GrpcTlsOptions { CaFile = caFile });
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x")));
        Assert.Contains($"CaFile '{caFile}' has no certificate in PEM", e.Detail, StringComparison.Ordinal);
        certificates.Write("late-ca.pem", await File.ReadAllTextAsync(certificates.CaFile));
        Assert.Equal("x", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x"))));
    }

    [Fact(Timeout = Hang)]
    public async Task Nobody_listening_says_so()
    {
        using Socket reserved = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string address = $"http://{reserved.LocalEndPoint}";
        GrpcException e = await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new Uri(address) }));
        Assert.Contains($"cannot connect to {address}: ConnectionRefused", e.Detail, StringComparison.Ordinal);
        string path = certificates.FilePath("nobody.sock");
        e = await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new Uri($"unix:{path}") }));
        Assert.Contains($"cannot connect to unix:{path}", e.Detail, StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_name_that_does_not_exist_says_so()
    {
        GrpcException e = await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new Uri("http://nowhere.invalid:1") }));
        Assert.Contains("http://nowhere.invalid:1", e.Detail, StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_handshake_that_is_not_answered_ends_with_the_connect_timeout()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        string address = $"https://{silent.LocalEndpoint}";
        GrpcException e = await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new Uri(address), ConnectTimeout = TimeSpan.FromMilliseconds(200) }));
        Assert.Contains($"no connection to {address} within 0.2 s", e.Detail, StringComparison.Ordinal);
    }

    [Theory(Timeout = Hang)]
    [InlineData("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    public async Task Something_that_is_not_HTTP2_fails_the_call(string says)
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        Task serve = Task.Run(async () =>
        {
            using Socket socket = await other.AcceptSocketAsync();
            await socket.ReceiveAsync(new byte[100]);
            await socket.SendAsync(Bytes(says));
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(new byte[1000]) > 0)
            {
            }
        });
        await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new Uri($"http://{other.LocalEndpoint}") }), GrpcStatusCode.Unavailable, GrpcStatusCode.Internal);
        try
        {
            await serve;
        }
        catch (SocketException)
        {
            // The client may close hard.
        }
    }

    [Fact(Timeout = Hang)]
    public async Task Plaintext_to_a_TLS_port_and_TLS_to_a_plaintext_port_fail()
    {
        await using Peer tls = await StartTlsAsync("own");
        await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new UriBuilder(tls.Address) { Scheme = "http" }.Uri }), GrpcStatusCode.Unavailable, GrpcStatusCode.Internal);
        await using Peer plain = await Peer.StartAsync("own");
        await FailAsync(new GrpcChannel(new GrpcChannelOptions { Address = new UriBuilder(plain.Address) { Scheme = "https" }.Uri }));
    }

    [Fact(Timeout = Hang)]
    public async Task Keepalive_pings_go_out_while_a_call_is_quiet()
    {
        using NodeProcess node = await NodeProcess.ServeAsync("peers/http2-server.mjs");
        await using GrpcChannel channel = new(new GrpcChannelOptions
        {
            Address = new Uri($"http://127.0.0.1:{node.Port}"),
            KeepAlivePingDelay = TimeSpan.FromSeconds(1),
        });
        // The server answers only when it has been pinged.
        Assert.Equal("hello", Text(await channel.CallUnaryAsync("/bad.Server/Pinged", Bytes("x"))));
    }

    [Fact(Timeout = Hang)]
    public async Task A_peer_that_answers_no_pings_is_given_up()
    {
        using TcpListener dead = new(IPAddress.Loopback, 0);
        dead.Start();
        await using GrpcChannel channel = new(new GrpcChannelOptions
        {
            Address = new Uri($"http://{dead.LocalEndpoint}"),
            KeepAlivePingDelay = TimeSpan.FromSeconds(1),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(1),
        });
        await using GrpcCall call = channel.StartCall("/test.Peer/Duplex");
        using Socket socket = await dead.AcceptSocketAsync();
        // An empty SETTINGS frame and the acknowledgement of the client's: a fine connection, and then nothing more.
        await socket.SendAsync(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0 });
        GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => call.ReadAsync().AsTask());
        Assert.Equal(GrpcStatusCode.Unavailable, e.StatusCode);
        Assert.Contains("keepalive", e.Detail, StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task A_killed_server_ends_its_calls_and_a_new_one_serves_the_channel()
    {
        string address = $"unix:{certificates.FilePath("killed.sock")}";
        Peer first = await Peer.StartAsync("grpc-js", address);
        await using GrpcChannel channel = first.Channel();
        await using GrpcCall call = channel.StartCall("/test.Peer/Duplex");
        await call.WriteAsync(Bytes("x"));
        await call.ReadAsync();
        Task<ReadOnlyMemory<byte>?> read = call.ReadAsync().AsTask();
        first.Kill();
        Assert.Equal(GrpcStatusCode.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => read)).StatusCode);
        await first.DisposeAsync();
        Assert.Contains(address, (await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x")))).Detail, StringComparison.Ordinal);

        await using Peer second = await Peer.StartAsync("own", address);
        Assert.Equal("back", Text(await channel.CallUnaryAsync("/test.Peer/Unary", Bytes("back"))));
    }

    [Fact(Timeout = Hang)]
    public async Task A_server_that_stops_ends_its_calls()
    {
        Peer peer = await Peer.StartAsync("own");
        await using GrpcChannel channel = peer.Channel();
        await using GrpcCall call = channel.StartCall("/test.Peer/Hang");
        await call.WriteAsync(Bytes("stopping"));
        await call.ReadAsync();
        Task<ReadOnlyMemory<byte>?> read = call.ReadAsync().AsTask();
        await peer.DisposeAsync();
        Assert.Equal(GrpcStatusCode.Unavailable, (await Assert.ThrowsAsync<GrpcException>(() => read)).StatusCode);
    }

    [Theory]
    [InlineData("ftp://host:1", "http://host:port")]
    [InlineData("relative", "http://host:port")]
    [InlineData("http://host:1/path", "more than a host and a port")]
    public void An_address_that_is_none_is_refused(string address, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => new GrpcChannel(new GrpcChannelOptions { Address = new Uri(address, UriKind.RelativeOrAbsolute) })).Message, StringComparison.Ordinal);

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        Uri plain = new("http://127.0.0.1:1");
        Assert.Contains("plaintext", Refused(new GrpcChannelOptions { Address = plain, Tls = new GrpcTlsOptions() }), StringComparison.Ordinal);
        Assert.Contains("KeyFile", Refused(new GrpcChannelOptions { Address = new Uri("https://h:1"), Tls = new GrpcTlsOptions { CertificateFile = "x" } }), StringComparison.Ordinal);
        Assert.Contains("one second", Refused(new GrpcChannelOptions { Address = plain, KeepAlivePingDelay = TimeSpan.FromMilliseconds(10) }), StringComparison.Ordinal);
        Assert.Contains("greater than zero", Refused(new GrpcChannelOptions { Address = plain, MaxReceiveMessageSize = 0 }), StringComparison.Ordinal);
        Assert.Contains("Unix socket", Refused(new GrpcChannelOptions { Address = new Uri("unix:/" + new string('x', 200)) }), StringComparison.Ordinal);
    }

    private static string Refused(GrpcChannelOptions options) => Assert.Throws<ArgumentException>(() => new GrpcChannel(options)).Message;

    private static async Task<GrpcException> FailAsync(GrpcChannel channel, params GrpcStatusCode[] codes)
    {
        await using (channel)
        {
            GrpcException e = await Assert.ThrowsAsync<GrpcException>(() => channel.CallUnaryAsync("/test.Peer/Unary", Bytes("x")));
            Assert.Contains(e.StatusCode, codes.Length > 0 ? codes : [GrpcStatusCode.Unavailable]);
            return e;
        }
    }

    private Task<Peer> StartTlsAsync(string server, bool mutual = false)
    {
        (string certificate, string key) = certificates.Issue($"server-{server}", "istiod.istio-system.svc", "127.0.0.1");
        return Peer.StartAsync(server, "https://127.0.0.1:0", new GrpcServerTlsOptions
        {
            CertificateFile = certificate,
            KeyFile = key,
            ClientCaFile = mutual ? certificates.CaFile : null,
        });
    }
}
