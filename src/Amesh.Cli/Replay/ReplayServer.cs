using System.Collections.Concurrent;
using Amesh.Grpc;
using Amesh.Grpc.Server;
using Amesh.Xds.Ads;
using Amesh.Xds.Recordings;
using Microsoft.AspNetCore.Http;

namespace Amesh.Cli.Replay;

/// <summary>Where a replay listens and what it serves.</summary>
internal sealed record ReplayServerOptions
{
    /// <summary>Addresses for gRPC, as <see cref="GrpcServerOptions.Address"/> takes them; at least one.</summary>
    public required IReadOnlyList<Uri> Addresses { get; init; }

    /// <summary>Address of the HTTP endpoints; null = none.</summary>
    public Uri? HttpAddress { get; init; }

    /// <summary>The protocols that are served; the other one answers Unimplemented.</summary>
    public IReadOnlyCollection<AdsProtocol> Protocols { get; init; } = [AdsProtocol.Sotw, AdsProtocol.Delta];

    /// <summary>The step to begin with.</summary>
    public int FirstStep { get; init; }

    /// <summary>Told of everything that happens, from several threads.</summary>
    public Action<ReplayEvent>? Log { get; init; }
}

/// <summary>
/// Serves the states of a recording as a control plane. All streams serve the same step; changing it makes each send what is new.
/// Any thread may change the step.
/// </summary>
internal sealed class ReplayServer : IAsyncDisposable
{
    private const int MostNacks = 1000;
    private const string Discovery = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
    private const string Secrets = "/envoy.service.secret.v3.SecretDiscoveryService/";

    private readonly ReplayServerOptions _options;
    private readonly IReadOnlyList<ServedStep> _steps;
    private readonly List<GrpcServer> _servers = [];
    private readonly ConcurrentDictionary<ReplayStream, byte> _streams = new();
    private readonly ConcurrentQueue<ReplayEvent> _nacks = new();
    private volatile ServedStep _current;

    public ReplayServer(IReadOnlyList<RecordedState> states, ReplayServerOptions options)
    {
        _options = options;
        _steps = ServedStep.From(states);
        _current = _steps[options.FirstStep];
    }

    public ServedStep Current => _current;

    public IReadOnlyList<ServedStep> Steps => _steps;

    public IReadOnlyCollection<ReplayStream> Streams => [.. _streams.Keys];

    /// <summary>The refusals so far, oldest first; the oldest are forgotten in the end.</summary>
    public IReadOnlyCollection<ReplayEvent> Nacks => [.. _nacks];

    public IReadOnlyList<Uri> Addresses => [.. _servers.Select(server => server.Address)];

    public Uri? HttpAddress => _servers.Count > 0 ? _servers[0].HttpAddress : null;

    public async Task StartAsync()
    {
        foreach (Uri address in _options.Addresses)
        {
            var server = new GrpcServer(new GrpcServerOptions { Address = address, HttpAddress = _servers.Count == 0 ? _options.HttpAddress : null });
            // Secrets have a service of their own besides, as Istio's agent serves them.
            if (_options.Protocols.Contains(AdsProtocol.Sotw))
            {
                server.Map(Discovery + "StreamAggregatedResources", call => ServeAsync(new SotwReplayStream(call, this)));
                server.Map(Secrets + "StreamSecrets", call => ServeAsync(new SotwReplayStream(call, this)));
            }

            if (_options.Protocols.Contains(AdsProtocol.Delta))
            {
                server.Map(Discovery + "DeltaAggregatedResources", call => ServeAsync(new DeltaReplayStream(call, this)));
                server.Map(Secrets + "DeltaSecrets", call => ServeAsync(new DeltaReplayStream(call, this)));
            }

            MapHttp(server);
            _servers.Add(server);
            try
            {
                await server.StartAsync();
            }
            catch (IOException e)
            {
                throw new IOException($"cannot listen on {address}: {(e.InnerException ?? e).Message}", e);
            }
        }
    }

    /// <returns>False if there is no such step.</returns>
    public bool MoveTo(string step)
    {
        ServedStep? target = _steps.FirstOrDefault(known => known.Name == step);
        if (target is not null)
        {
            MoveTo(target);
        }

        return target is not null;
    }

    /// <returns>False if there is no step in that direction.</returns>
    public bool MoveBy(int steps)
    {
        int index = _current.Index + steps;
        if (index < 0 || index >= _steps.Count)
        {
            return false;
        }

        MoveTo(_steps[index]);
        return true;
    }

    public void Tell(ReplayEvent happened)
    {
        if (happened.Kind == ReplayEventKind.Nack)
        {
            _nacks.Enqueue(happened);
            while (_nacks.Count > MostNacks)
            {
                _nacks.TryDequeue(out _);
            }
        }

        _options.Log?.Invoke(happened);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcServer server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    private void MoveTo(ServedStep step)
    {
        _current = step;
        foreach (ReplayStream stream in _streams.Keys)
        {
            stream.StepChanged();
        }
    }

    private async Task ServeAsync(ReplayStream stream)
    {
        _streams.TryAdd(stream, 0);
        // The step may have changed between the stream's birth and its entry here.
        stream.StepChanged();
        try
        {
            await stream.RunAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or GrpcException { StatusCode: GrpcStatusCode.Cancelled })
        {
            // The client has left, or we are stopping.
        }
        finally
        {
            _streams.TryRemove(stream, out _);
            Tell(new ReplayEvent(ReplayEventKind.Gone, stream.Peer, _current.Name, "", stream.NodeId));
        }
    }

    private void MapHttp(GrpcServer server)
    {
        server.MapHttp("GET", "/state", AnswerStateAsync);
        server.MapHttp("POST", "/next", http => MoveBy(+1) ? AnswerStateAsync(http) : RefuseAsync(http, 409, $"{_current.Name} is the last step"));
        server.MapHttp("POST", "/step/", http =>
        {
            string name = Uri.UnescapeDataString((http.Request.Path.Value ?? "")["/step/".Length..]);
            return MoveTo(name) ? AnswerStateAsync(http) : RefuseAsync(http, 404, $"no step '{name}'; there are: {string.Join(", ", _steps.Select(step => step.Name))}");
        });
    }

    private Task AnswerStateAsync(HttpContext http)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(ReplayStateJson.Write(this));
    }

    private static Task RefuseAsync(HttpContext http, int status, string reason)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsync(reason + "\n");
    }
}
