using Amesh.Xds.Store;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Rpc;

namespace Amesh.Xds.Ads;

/// <summary>
/// State of the world: each request has all names and the last accepted version, each answer the nonce beside it. A NACK is an
/// answer with an error and the version of before. An empty list of names means everything only if no names were sent earlier
/// on the stream, so a type subscribed by name is opened with its first names and may become empty later.
/// </summary>
internal sealed class SotwDialect(string method) : Dialect
{
    public override AdsProtocol Protocol => AdsProtocol.Sotw;

    public override string Method => method;

    public override byte[] Open(Subscription subscription, IReadOnlyDictionary<string, string> held, Node? node) =>
        Request(subscription, null, node);

    public override byte[] Change(Subscription subscription, IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed) =>
        Request(subscription, null, null);

    public override byte[] Answer(Subscription subscription, Status? error) => Request(subscription, error, null);

    protected override Response Split(ReadOnlyMemory<byte> message)
    {
        string typeUrl = "", version = "", nonce = "";
        var items = new List<ReadOnlyMemory<byte>>();
        foreach (WireField field in WireFields.Read(message))
        {
            switch (field.Number)
            {
                case 1: version = Text(field); break;
                case 2: items.Add(field.Content); break;
                case 4: typeUrl = Text(field); break;
                case 5: nonce = Text(field); break;
            }
        }

        var resources = new List<DiscoveryResource>(items.Count);
        var unreadable = new List<RejectedResource>();
        bool prolongs = false;
        for (int i = 0; i < items.Count; i++)
        {
            try
            {
                Add(items[i]);
            }
            catch (MalformedResourceException e)
            {
                unreadable.Add(new RejectedResource($"#{i + 1} of {items.Count}", e.Message));
            }
        }

        // A resource whose name cannot be read may be any of those held, and a response that prolongs times to live lists those
        // that have one: then nothing is taken as gone.
        bool complete = TypeUrls.IsWildcard(typeUrl) && unreadable.Count == 0 && !prolongs;
        return new Response(typeUrl, version, nonce, resources, [], unreadable, complete);

        void Add(ReadOnlyMemory<byte> item)
        {
            (string type, ReadOnlyMemory<byte> body) = Any(item);
            string name = "";
            if (type == TypeUrls.Resource)
            {
                (name, _, ReadOnlyMemory<byte>? any) = Wrapped(body);
                if (any is not { } inner)
                {
                    prolongs = true;
                    return;
                }

                (type, body) = Any(inner);
            }

            name = name.Length > 0 ? name : WireFields.Text(body, 1);
            if (type == typeUrl)
            {
                resources.Add(new DiscoveryResource(name, version, body));
            }
            else
            {
                unreadable.Add(WrongType(name, type, typeUrl));
            }
        }
    }

    private static byte[] Request(Subscription subscription, Status? error, Node? node) => new DiscoveryRequest
    {
        TypeUrl = subscription.TypeUrl,
        VersionInfo = subscription.AcceptedVersion,
        ResponseNonce = subscription.Nonce,
        ResourceNames = { subscription.Names },
        ErrorDetail = error,
        Node = node,
    }.ToByteArray();
}
