using Amesh.Xds.Secrets;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Filter = Envoy.Config.Listener.V3.Filter;

namespace Amesh.Xds.Store;

/// <summary>One part of a resource: a unit's name in it and its bytes.</summary>
internal readonly record struct ResourcePart(UnitKind Kind, string Name, ReadOnlyMemory<byte> Bytes);

/// <summary>A field of a resource whose values are units of their own.</summary>
/// <param name="Kind">What each is.</param>
/// <param name="Parser">How it is decoded.</param>
/// <param name="NameField">The number of its name.</param>
/// <param name="TellingField">The number of the field that tells those of one name, or of none, apart; 0 where names must be unique.</param>
internal sealed record PartField(UnitKind Kind, MessageParser Parser, int NameField, int TellingField = 0);

/// <summary>What the store must know of a type of resource: how to cut it into units, decode one, and whom it names.</summary>
/// <remarks>The only place where the store looks into resources. A new type is one more instance.</remarks>
internal sealed class ResourceType
{
    private readonly UnitKind _head;
    private readonly MessageParser _headParser;
    private readonly IReadOnlyDictionary<int, PartField> _parts;
    private readonly Func<IMessage, IEnumerable<Dependency>> _references;
    private readonly Action<IMessage>? _check;

    private ResourceType(
        UnitKind head,
        MessageParser headParser,
        Func<IMessage, IEnumerable<Dependency>>? references = null,
        IReadOnlyDictionary<int, PartField>? parts = null,
        Action<IMessage>? check = null)
    {
        _head = head;
        _headParser = headParser;
        _references = references ?? (_ => []);
        _check = check;
        _parts = parts ?? new Dictionary<int, PartField>();
    }

    public static IReadOnlyDictionary<string, ResourceType> All { get; } = new Dictionary<string, ResourceType>
    {
        [TypeUrls.Cluster] = new(
            UnitKind.Cluster, Cluster.Parser, message => [.. AssignmentOf((Cluster)message), .. SecretReferences.Of((Cluster)message)]),
        [TypeUrls.ClusterLoadAssignment] = new(UnitKind.Assignment, ClusterLoadAssignment.Parser),
        [TypeUrls.Listener] = new(
            UnitKind.Listener,
            Listener.Parser,
            ReferencesOfListener,
            new Dictionary<int, PartField>
            {
                [Listener.FilterChainsFieldNumber] = new(UnitKind.FilterChain, FilterChain.Parser, FilterChain.NameFieldNumber, FilterChain.FilterChainMatchFieldNumber),
            }),
        [SecretOrigin.Ads] = Secrets(UnitKind.Secret),
        [SecretOrigin.Agent] = Secrets(UnitKind.AgentSecret),
        [SecretOrigin.Files] = Secrets(UnitKind.FileSecret),
        [TypeUrls.RouteConfiguration] = new(
            UnitKind.RouteConfiguration,
            RouteConfiguration.Parser,
            parts: new Dictionary<int, PartField>
            {
                [RouteConfiguration.VirtualHostsFieldNumber] = new(UnitKind.VirtualHost, VirtualHost.Parser, VirtualHost.NameFieldNumber),
            }),
    };

    /// <summary>Cuts a resource. The head (what is in no part) comes first and its name is empty.</summary>
    /// <exception cref="MalformedResourceException">The bytes are no message, or names that must be unique are not.</exception>
    public List<ResourcePart> Split(ReadOnlyMemory<byte> body)
    {
        if (_parts.Count == 0)
        {
            return [new ResourcePart(_head, "", body)];
        }

        var parts = new List<ResourcePart> { default };
        var names = new PartNames();
        var head = new MemoryStream();
        foreach (WireField field in WireFields.Read(body))
        {
            if (_parts.TryGetValue(field.Number, out PartField? part))
            {
                parts.Add(new ResourcePart(part.Kind, names.Note(part, field.Content), field.Content));
            }
            else
            {
                head.Write(field.Whole.Span);
            }
        }

        names.MakeUnique(parts, _parts.Values);
        parts[0] = new ResourcePart(_head, "", head.ToArray());
        return parts;
    }

    /// <summary>Decodes one unit, and checks it where its type is checked.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no such message.</exception>
    /// <exception cref="MalformedResourceException">There is something wrong with it.</exception>
    public IMessage Decode(ResourcePart part)
    {
        IMessage message = ParserOf(part.Kind)!.ParseFrom(part.Bytes.Span);
        _check?.Invoke(message);
        return message;
    }

    /// <summary>Decodes one unit of any type that has been decoded before.</summary>
    public static IMessage Decode(UnitKind kind, ReadOnlyMemory<byte> bytes) =>
        All.Values.Select(type => type.ParserOf(kind)).First(parser => parser is not null)!.ParseFrom(bytes.Span);

    /// <summary>The resources that a unit names.</summary>
    public IReadOnlyList<Dependency> References(IMessage unit) =>
        [.. _references(unit).GroupBy(dependency => dependency.Resource).Select(same => same.MaxBy(dependency => dependency.Patience)!)];

    private MessageParser? ParserOf(UnitKind kind) =>
        kind == _head ? _headParser : _parts.Values.FirstOrDefault(field => field.Kind == kind)?.Parser;

    private static ResourceType Secrets(UnitKind kind) => new(kind, Secret.Parser, check: message => SecretCheck.Require((Secret)message));

    private static IEnumerable<Dependency> AssignmentOf(Cluster cluster)
    {
        if (cluster.Type == Cluster.Types.DiscoveryType.Eds)
        {
            yield return Dependency.By(
                cluster.EdsClusterConfig?.EdsConfig,
                TypeUrls.ClusterLoadAssignment,
                cluster.EdsClusterConfig is { ServiceName.Length: > 0 } eds ? eds.ServiceName : cluster.Name);
        }
    }

    private static IEnumerable<Dependency> ReferencesOfListener(IMessage unit)
    {
        FilterChain? chain = unit as FilterChain ?? (unit as Listener)?.DefaultFilterChain;
        return chain is null ? [] : [.. RouteConfigurationsOf(chain), .. SecretReferences.Of(chain)];
    }

    private static IEnumerable<Dependency> RouteConfigurationsOf(FilterChain chain)
    {
        foreach (Filter filter in chain.Filters)
        {
            if (filter.TypedConfig is { } config && config.Is(HttpConnectionManager.Descriptor)
                && config.Unpack<HttpConnectionManager>() is { Rds.RouteConfigName.Length: > 0 } manager)
            {
                yield return Dependency.By(manager.Rds.ConfigSource, TypeUrls.RouteConfiguration, manager.Rds.RouteConfigName);
            }
        }
    }
}
