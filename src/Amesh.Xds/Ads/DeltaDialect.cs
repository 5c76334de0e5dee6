using Amesh.Xds.Store;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Rpc;

namespace Amesh.Xds.Ads;

/// <summary>
/// Incremental: requests say which names come and go, answers carry a nonce and nothing else. The first request of a type tells
/// what is held, so that a new stream brings only what changed meanwhile, and what went.
/// </summary>
internal sealed class DeltaDialect(string method) : Dialect
{
    public override AdsProtocol Protocol => AdsProtocol.Delta;

    public override string Method => method;

    public override byte[] Open(Subscription subscription, IReadOnlyDictionary<string, string> held, Node? node)
    {
        var request = new DeltaDiscoveryRequest
        {
            TypeUrl = subscription.TypeUrl,
            ResourceNamesSubscribe = { subscription.Names },
            Node = node,
        };
        foreach ((string name, string version) in held.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            // The versions of what is no longer wanted would only make the server tell of its changes.
            if (TypeUrls.IsWildcard(subscription.TypeUrl) || subscription.Names.Contains(name))
            {
                request.InitialResourceVersions.Add(name, version);
            }
        }

        return request.ToByteArray();
    }

    public override byte[] Change(Subscription subscription, IReadOnlyCollection<string> added, IReadOnlyCollection<string> removed) =>
        new DeltaDiscoveryRequest
        {
            TypeUrl = subscription.TypeUrl,
            ResourceNamesSubscribe = { added },
            ResourceNamesUnsubscribe = { removed },
        }.ToByteArray();

    public override byte[] Answer(Subscription subscription, Status? error) => new DeltaDiscoveryRequest
    {
        TypeUrl = subscription.TypeUrl,
        ResponseNonce = subscription.Nonce,
        ErrorDetail = error,
    }.ToByteArray();

    protected override Response Split(ReadOnlyMemory<byte> message)
    {
        string typeUrl = "", version = "", nonce = "";
        var items = new List<ReadOnlyMemory<byte>>();
        var removed = new List<string>();
        foreach (WireField field in WireFields.Read(message))
        {
            switch (field.Number)
            {
                case 1: version = Text(field); break;
                case 2: items.Add(field.Content); break;
                case 4: typeUrl = Text(field); break;
                case 5: nonce = Text(field); break;
                case 6: removed.Add(Text(field)); break;
                case 8: removed.Add(WireFields.Text(field.Content, 1)); break;
            }
        }

        var resources = new List<DiscoveryResource>(items.Count);
        var unreadable = new List<RejectedResource>();
        for (int i = 0; i < items.Count; i++)
        {
            string name = $"#{i + 1} of {items.Count}";
            try
            {
                (string given, string itsVersion, ReadOnlyMemory<byte>? any) = Wrapped(items[i]);
                name = given.Length > 0 ? given : name;
                if (any is not { } wrapped)
                {
                    continue;
                }

                (string type, ReadOnlyMemory<byte> body) = Any(wrapped);
                if (type == typeUrl)
                {
                    resources.Add(new DiscoveryResource(given, itsVersion, body));
                }
                else
                {
                    unreadable.Add(WrongType(name, type, typeUrl));
                }
            }
            catch (MalformedResourceException e)
            {
                unreadable.Add(new RejectedResource(name, e.Message));
            }
        }

        return new Response(typeUrl, version, nonce, resources, removed, unreadable, Complete: false);
    }
}
