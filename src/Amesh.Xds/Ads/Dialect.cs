using Amesh.Xds.Store;
using Envoy.Config.Core.V3;
using Google.Rpc;
using static System.Text.Encoding;

namespace Amesh.Xds.Ads;

/// <summary>How one of the two protocols writes requests and reads responses. Has no state: that is in <see cref="Subscription"/>.</summary>
internal abstract class Dialect
{
    private const string Aggregated = "/envoy.service.discovery.v3.AggregatedDiscoveryService/";
    private const string Secrets = "/envoy.service.secret.v3.SecretDiscoveryService/";

    public static Dialect Of(AdsProtocol protocol, DiscoveryService service = DiscoveryService.Aggregated) => (protocol, service) switch
    {
        (AdsProtocol.Sotw, DiscoveryService.Secrets) => new SotwDialect(Secrets + "StreamSecrets"),
        (_, DiscoveryService.Secrets) => new DeltaDialect(Secrets + "DeltaSecrets"),
        (AdsProtocol.Sotw, _) => new SotwDialect(Aggregated + "StreamAggregatedResources"),
        _ => new DeltaDialect(Aggregated + "DeltaAggregatedResources"),
    };

    public abstract AdsProtocol Protocol { get; }

    public abstract string Method { get; }

    /// <summary>The first request for a type on a stream.</summary>
    /// <param name="subscription">Its names are already the new ones.</param>
    /// <param name="held">What is held of the type, name to version.</param>
    /// <param name="node">Who we are, on the stream's first request only.</param>
    public abstract byte[] Open(Subscription subscription, IReadOnlyDictionary<string, string> held, Node? node);

    /// <summary>Other names than before.</summary>
    public abstract byte[] Change(Subscription subscription, IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed);

    /// <summary>The answer to a response: an ACK, or a NACK if there is an error. The subscription's nonce is already the response's.</summary>
    public abstract byte[] Answer(Subscription subscription, Status? error);

    /// <exception cref="MalformedResponseException">The bytes are no response.</exception>
    public Response Read(ReadOnlyMemory<byte> message)
    {
        try
        {
            Response response = Split(message);
            return response.TypeUrl.Length > 0 ? response : throw new MalformedResponseException("a response without a type URL");
        }
        catch (MalformedResourceException e)
        {
            throw new MalformedResponseException(e.Message);
        }
    }

    protected abstract Response Split(ReadOnlyMemory<byte> message);

    /// <summary>The parts of an Any.</summary>
    protected static (string TypeUrl, ReadOnlyMemory<byte> Value) Any(ReadOnlyMemory<byte> bytes)
    {
        string typeUrl = "";
        ReadOnlyMemory<byte> value = default;
        foreach (WireField field in WireFields.Read(bytes))
        {
            switch (field.Number)
            {
                case 1: typeUrl = Text(field); break;
                case 2: value = field.Content; break;
            }
        }

        return (typeUrl, value);
    }

    /// <summary>The parts of an <c>envoy.service.discovery.v3.Resource</c>; <c>Any</c> is null for one that only prolongs a time to live.</summary>
    protected static (string Name, string Version, ReadOnlyMemory<byte>? Any) Wrapped(ReadOnlyMemory<byte> bytes)
    {
        string name = "", version = "";
        ReadOnlyMemory<byte>? any = null;
        foreach (WireField field in WireFields.Read(bytes))
        {
            switch (field.Number)
            {
                case 1: version = Text(field); break;
                case 2: any = field.Content; break;
                case 3: name = Text(field); break;
            }
        }

        return (name, version, any);
    }

    protected static string Text(WireField field) => UTF8.GetString(field.Content.Span);

    protected static RejectedResource WrongType(string name, string found, string expected) =>
        new(name, found.Length == 0 ? "the resource has no type URL" : $"is of type {found}, in a response of type {expected}");
}
