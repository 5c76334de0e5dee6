using Amesh.Grpc;
using Amesh.Grpc.Server;
using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Amesh.Xds.Recordings;
using Amesh.Xds.Secrets;
using Amesh.Xds.Store;
using Amesh.Xds.Tests.Control;
using Amesh.Xds.Tests.Store;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Tests.Secrets;

/// <summary>Against a server on a Unix socket that serves one secret on a stream, as Istio's agent does.</summary>
public sealed class SecretAgentTests : IAsyncDisposable
{
    private static readonly ConfigSource AgentSource = new() { ApiConfigSource = new ApiConfigSource() };

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Holder _holder;
    private readonly SecretAgent _agent;
    private readonly Task _running;

    public SecretAgentTests()
    {
        var options = new AdsClientOptions
        {
            Address = new Uri("unix:" + Socket),
            Node = new Node { Id = "me" },
            FirstBackoff = TimeSpan.FromMilliseconds(10),
            MaxBackoff = TimeSpan.FromMilliseconds(50),
        };
        _agent = new SecretAgent(options);
        _holder = new Holder(_agent.Wake);
        _running = _agent.RunAsync(_holder, _stop.Token);
    }

    private string Socket => _folder.File("socket");

    [Fact]
    public async Task Secrets_are_asked_for_one_on_a_stream_as_they_come_to_be_wanted_and_no_longer_when_they_are_not()
    {
        await using var server = await FakeAgent.StartAsync(Socket);
        Assert.Empty(server.Streams);

        _holder.Want("default", "ROOTCA");
        await _holder.HoldsAsync(("default", server.Serve("default")), ("ROOTCA", server.Serve("ROOTCA")));
        Assert.Equal([["ROOTCA"], ["default"]], server.Streams.Select(stream => stream.Names.ToArray()).OrderBy(names => names[0], StringComparer.Ordinal));
        Assert.All(server.Streams, stream => Assert.Equal("me", stream.Node));

        _holder.Want("default");
        await Eventually.True(() => server.Streams.Count == 1, () => $"{server.Streams.Count} streams");
    }

    [Fact]
    public async Task A_rotated_secret_replaces_the_old_one_and_a_bad_one_is_refused_and_does_not()
    {
        await using var server = await FakeAgent.StartAsync(Socket);
        _holder.Want("default");
        await _holder.HoldsAsync(("default", server.Serve("default")));
        Secret rotated = server.Serve("default");
        await _holder.HoldsAsync(("default", rotated));

        Secret bad = SecretTests.SecretOf("default");
        bad.TlsCertificate.PrivateKey.InlineString = "U0VDUkVU";
        server.Push(bad);
        await Eventually.True(() => server.Refusals.Count == 1, () => "no refusal");
        Assert.DoesNotContain("U0VDUkVU", server.Refusals[0], StringComparison.Ordinal);
        Assert.Contains("default", server.Refusals[0], StringComparison.Ordinal);
        await _holder.HoldsAsync(("default", rotated));
    }

    [Fact]
    public async Task An_agent_that_comes_late_goes_away_and_comes_back_is_asked_again_and_the_last_secret_stays()
    {
        _holder.Want("default");
        Secret first;
        await using (FakeAgent server = await FakeAgent.StartAsync(Socket))
        {
            first = server.Serve("default");
            await _holder.HoldsAsync(("default", first));
        }

        await Eventually.True(() => _agent.Status is [{ Connected: false }], () => "still connected");
        await _holder.HoldsAsync(("default", first));
        await using FakeAgent other = await FakeAgent.StartAsync(Socket);
        await _holder.HoldsAsync(("default", other.Serve("default")));
    }

    [Fact]
    public async Task A_server_that_shares_no_code_with_us_is_asked_and_its_changes_are_taken()
    {
        const string Sample = "kuma/bookinfo-2.14";
        await using NodeControlPlane plane = await NodeControlPlane.StartAsync(Sample, "--unix", Socket, "--step", "mtls", "--from", "delta");
        RecordedState[] states = [.. RecordedState.AtEachStep(Recording.Open(Repository.Sample(Sample)), AdsProtocol.Delta).Where(state => state.Step.StartsWith("mtls", StringComparison.Ordinal))];
        Secret Recorded(int step, string name) => Secret.Parser.ParseFrom(states[step].Of(TypeUrls.Secret)[name].Span);

        _holder.Want("identity_cert:secret:default", "mesh_ca:secret:default");
        await _holder.HoldsAsync(("mesh_ca:secret:default", Recorded(0, "mesh_ca:secret:default")), ("identity_cert:secret:default", Recorded(0, "identity_cert:secret:default")));
        await plane.PostAsync($"/step/{states[1].Step}");
        Assert.NotEqual(Recorded(0, "identity_cert:secret:default"), Recorded(1, "identity_cert:secret:default"));
        await _holder.HoldsAsync(("identity_cert:secret:default", Recorded(1, "identity_cert:secret:default")));
        Assert.All(_agent.Status, status => Assert.Equal(0, status.Nacks));
    }

    [Theory]
    [InlineData("""{"static_resources":{"clusters":[{"name":"other"},{"name":"sds-grpc","load_assignment":{"endpoints":[{"lb_endpoints":[{"endpoint":{"address":{"pipe":{"path":"./var/run/s"}}}}]}]}}]}}""", "unix:/var/run/s")]
    [InlineData("""{"staticResources":{"clusters":[{"name":"sds-grpc","loadAssignment":{"endpoints":[{"lbEndpoints":[{"endpoint":{"address":{"socketAddress":{"address":"127.0.0.1","portValue":15}}}}]}]}}]}}""", "http://127.0.0.1:15")]
    [InlineData("""{"node":{"id":"x"}}""", null)]
    public void The_bootstrap_says_where_the_agent_is(string bootstrap, string? address)
    {
        File.WriteAllText(_folder.File("bootstrap.json"), bootstrap);
        Assert.Equal(address is null ? null : new Uri(address), BootstrapCluster.AddressOf(_folder.File("bootstrap.json"), BootstrapCluster.SecretServer));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _agent.Dispose();
        _stop.Dispose();
        _folder.Dispose();
    }

    /// <summary>A store whose one cluster names what is wanted.</summary>
    private sealed class Holder : IResourceHandler
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Secret> _held = [];
        private readonly ResourceStore _store;
        private readonly Action _wake;

        public Holder(Action wake)
        {
            _wake = wake;
            _store = new ResourceStore(new Taker(_held));
        }

        public void Want(params string[] names)
        {
            Apply(new DiscoveryUpdate(
                TypeUrls.Cluster,
                "1",
                [new DiscoveryResource("c", "1", SecretTests.ClusterOf("c", [.. names.Select(name => SecretTests.Sds(name, AgentSource))]).ToByteArray())],
                [],
                false));
            _wake();
        }

        public Task HoldsAsync(params (string Name, Secret Secret)[] expected) => Eventually.True(
            () =>
            {
                lock (_gate)
                {
                    return expected.All(one => _held.TryGetValue(one.Name, out Secret? held) && held.Equals(one.Secret));
                }
            },
            () => $"{string.Join(' ', expected.Select(one => one.Name))} not there, or not as expected");

        public IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update)
        {
            lock (_gate)
            {
                return _store.Apply(update);
            }
        }

        public IReadOnlyCollection<string> Wanted(string typeUrl)
        {
            lock (_gate)
            {
                return [.. _store.Wanted(typeUrl)];
            }
        }

        public void Quiet()
        {
            lock (_gate)
            {
                _store.Quiet();
            }
        }

        public IReadOnlyDictionary<string, string> Versions(string typeUrl)
        {
            lock (_gate)
            {
                return _store.Versions(typeUrl);
            }
        }

        private sealed class Taker(Dictionary<string, Secret> held) : IUnitHandler
        {
            public void Apply(IReadOnlyList<UnitChange> changes)
            {
                foreach (UnitChange change in changes.Where(change => change.Key.Kind == UnitKind.AgentSecret))
                {
                    held.Remove(change.Key.Resource);
                    if (change.Message is Secret secret)
                    {
                        held[change.Key.Resource] = secret;
                    }
                }
            }
        }
    }

    /// <summary>As Istio's: SotW alone, and a stream that asks for two names is refused.</summary>
    private sealed class FakeAgent : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Secret> _secrets = [];
        private readonly List<Stream> _streams = [];
        private readonly List<string> _refusals = [];
        private readonly GrpcServer _server;

        private FakeAgent(string socket)
        {
            _server = new GrpcServer(new GrpcServerOptions { Address = new Uri("unix:" + socket) });
            _server.Map("/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets", ServeAsync);
        }

        public IReadOnlyList<Stream> Streams
        {
            get
            {
                lock (_gate)
                {
                    return [.. _streams.Where(stream => stream.Names.Count > 0)];
                }
            }
        }

        public IReadOnlyList<string> Refusals
        {
            get
            {
                lock (_gate)
                {
                    return [.. _refusals];
                }
            }
        }

        public static async Task<FakeAgent> StartAsync(string socket)
        {
            var agent = new FakeAgent(socket);
            await agent._server.StartAsync();
            return agent;
        }

        public Secret Serve(string name)
        {
            Secret secret = SecretTests.SecretOf(name);
            Push(secret);
            return secret;
        }

        public void Push(Secret secret)
        {
            lock (_gate)
            {
                _secrets[secret.Name] = secret;
                foreach (Stream stream in _streams.Where(stream => stream.Names.Contains(secret.Name)))
                {
                    stream.Send(secret);
                }
            }
        }

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private async Task ServeAsync(GrpcServerCall call)
        {
            var stream = new Stream(call);
            lock (_gate)
            {
                _streams.Add(stream);
            }

            try
            {
                while (await call.ReadAsync() is { } bytes)
                {
                    Take(stream, DiscoveryRequest.Parser.ParseFrom(bytes.Span));
                }
            }
            finally
            {
                lock (_gate)
                {
                    _streams.Remove(stream);
                }
            }
        }

        private void Take(Stream stream, DiscoveryRequest request)
        {
            lock (_gate)
            {
                if (request.ResourceNames.Count != 1)
                {
                    throw new GrpcException(GrpcStatusCode.InvalidArgument, "one secret on a stream");
                }

                if (request.ErrorDetail is { } error)
                {
                    _refusals.Add(error.Message);
                }

                stream.Node ??= request.Node?.Id;
                if (stream.Names.Count == 0)
                {
                    stream.Names = [.. request.ResourceNames];
                    if (_secrets.TryGetValue(request.ResourceNames[0], out Secret? secret))
                    {
                        stream.Send(secret);
                    }
                }
            }
        }

        public sealed class Stream(GrpcServerCall call)
        {
            private Task _sent = Task.CompletedTask;
            private int _nonce;

            public IReadOnlyList<string> Names { get; set; } = [];

            public string? Node { get; set; }

            public void Send(Secret secret)
            {
                var response = new DiscoveryResponse
                {
                    TypeUrl = TypeUrls.Secret,
                    VersionInfo = $"{_nonce}",
                    Nonce = $"{++_nonce}",
                    Resources = { Any.Pack(secret) },
                };
                _sent = _sent.ContinueWith(_ => call.WriteAsync(response.ToByteArray()).AsTask(), TaskScheduler.Default).Unwrap();
            }
        }
    }
}
