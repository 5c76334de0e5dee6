using Amesh.Grpc.Server;

namespace Amesh.Grpc.Tests;

/// <summary>A server that plays test.Peer: ours or grpc-js.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private NodeProcess? _node;
    private GrpcServer? _server;

    private Peer(Uri address) => Address = address;

    public Uri Address { get; private set; }

    /// <param name="kind"><c>own</c> or <c>grpc-js</c>.</param>
    /// <param name="address"><c>http://127.0.0.1:0</c>, <c>https://127.0.0.1:0</c> or <c>unix:/path</c>.</param>
    /// <param name="tls">The server's files.</param>
    public static async Task<Peer> StartAsync(string kind, string address = "http://127.0.0.1:0", GrpcServerTlsOptions? tls = null)
    {
        Uri uri = new(address);
        Peer peer = new(uri);
        if (kind == "own")
        {
            peer._server = TestService.Map(new GrpcServer(new GrpcServerOptions { Address = uri, Tls = tls }));
            await peer._server.StartAsync();
            peer.Address = peer._server.Address;
            return peer;
        }
        string[] files = tls is null ? [] : tls.ClientCaFile is null ? [tls.CertificateFile, tls.KeyFile] : [tls.CertificateFile, tls.KeyFile, tls.ClientCaFile];
        peer._node = await NodeProcess.ServeAsync("peers/grpc-js-server.mjs", [uri.Scheme == "unix" ? address : "127.0.0.1:0", .. files]);
        if (uri.Scheme != "unix")
        {
            peer.Address = new UriBuilder(uri) { Port = peer._node.Port }.Uri;
        }
        return peer;
    }

    public GrpcChannel Channel(GrpcTlsOptions? tls = null) => new(new GrpcChannelOptions { Address = Address, Tls = tls });

    public void Kill() => _node!.Kill();

    public async ValueTask DisposeAsync()
    {
        _node?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

/// <summary>One of each for all tests of a class.</summary>
public sealed class Peers : IAsyncLifetime
{
    private readonly Dictionary<string, Peer> _peers = [];

    public async Task InitializeAsync()
    {
        _peers["own"] = await Peer.StartAsync("own");
        _peers["grpc-js"] = await Peer.StartAsync("grpc-js");
    }

    public async Task DisposeAsync()
    {
        foreach (Peer peer in _peers.Values)
        {
            await peer.DisposeAsync();
        }
    }

    public Uri Address(string kind) => _peers[kind].Address;

    public GrpcChannel Channel(string kind) => _peers[kind].Channel();
}

/// <summary>For <c>[ClassData]</c>: a test that must hold against each kind of server.</summary>
internal sealed class EachServer : TheoryData<string>
{
    public EachServer()
    {
        Add("own");
        Add("grpc-js");
    }
}
