using System.Threading.Channels;
using Amesh.Grpc;
using Amesh.Xds.Ads;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;

namespace Amesh.Xds.Tests.Ads;

/// <summary>A control plane whose every message a test writes itself.</summary>
internal sealed class ScriptedControlPlane : IAdsTransport
{
    private readonly Channel<ScriptedCall> _calls = Channel.CreateUnbounded<ScriptedCall>();

    public IAdsCall Start(string method, CancellationToken ct)
    {
        var call = new ScriptedCall(method);
        _calls.Writer.TryWrite(call);
        return call;
    }

    public async Task<ScriptedCall> AcceptAsync() => await Eventually.Within(_calls.Reader.ReadAsync().AsTask(), "a stream");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

internal sealed class ScriptedCall(string method) : IAdsCall
{
    private readonly Channel<byte[]> _requests = Channel.CreateUnbounded<byte[]>();
    private readonly Channel<ReadOnlyMemory<byte>?> _responses = Channel.CreateUnbounded<ReadOnlyMemory<byte>?>();

    public bool IsDelta => method.EndsWith("/DeltaAggregatedResources", StringComparison.Ordinal);

    public async Task<DeltaDiscoveryRequest> NextDeltaAsync() => DeltaDiscoveryRequest.Parser.ParseFrom(await NextAsync());

    public async Task<DiscoveryRequest> NextSotwAsync() => DiscoveryRequest.Parser.ParseFrom(await NextAsync());

    /// <summary>Whether nothing more has been asked up to the answer to a probe that follows everything else.</summary>
    public bool HasMore => _requests.Reader.Count > 0;

    public void Respond(IMessage response) => Respond(response.ToByteArray());

    public void Respond(byte[] bytes) => _responses.Writer.TryWrite(bytes);

    public void End() => _responses.Writer.TryWrite(null);

    public void Fail(GrpcStatusCode code, string detail) => _responses.Writer.Complete(new GrpcException(code, detail));

    public ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        _requests.Writer.TryWrite(message.ToArray());
        return ValueTask.CompletedTask;
    }

    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct)
    {
        try
        {
            return await _responses.Reader.ReadAsync(ct);
        }
        catch (ChannelClosedException e) when (e.InnerException is GrpcException status)
        {
            throw status;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<byte[]> NextAsync() => await Eventually.Within(_requests.Reader.ReadAsync().AsTask(), "a request");
}
