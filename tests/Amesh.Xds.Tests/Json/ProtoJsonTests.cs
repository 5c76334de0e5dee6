using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amesh.Xds.Json;
using Amesh.Xds.Recordings;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Amesh.Xds.Tests.Json;

public sealed class ProtoJsonTests
{
    public static TheoryData<string> All => [.. Repository.Recordings.Where(name => !name.Contains("scale-"))];

    /// <summary>Google's own formatter writes, ours reads, and Google's formatter writes the same again.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void Every_recorded_resource_comes_through_json_unchanged(string name)
    {
        var formatter = new JsonFormatter(JsonFormatter.Settings.Default.WithTypeRegistry(TypeRegistry.FromMessages(KnownTypes.All.Values)));
        Recording recording = Recording.Open(Repository.Sample(name));
        int compared = 0;
        foreach (RecordedState state in RecordedState.AtEachStep(recording, Xds.Ads.AdsProtocol.Delta))
        {
            foreach ((string typeUrl, var resources) in state.Resources)
            {
                MessageDescriptor type = KnownTypes.Find(typeUrl)!;
                foreach ((string resource, ReadOnlyMemory<byte> body) in resources)
                {
                    IMessage message = Known(type.Parser.ParseFrom(body.Span), type);
                    string json;
                    try
                    {
                        json = formatter.Format(message);
                    }
                    catch (InvalidOperationException)
                    {
                        // A type inside that our definitions do not have: Google's formatter gives up.
                        continue;
                    }

                    using JsonDocument document = JsonDocument.Parse(json);
                    var notes = new List<string>();
                    byte[] bytes = ProtoJson.Encode(document.RootElement, type, resource, notes);
                    Assert.Empty(notes);
                    Assert.Equal(Sorted(json), Sorted(formatter.Format(type.Parser.ParseFrom(bytes))));
                    compared++;
                }
            }
        }

        Assert.True(compared > 0);
    }

    [Fact]
    public void Every_file_of_our_definitions_is_among_the_known_types()
    {
        IEnumerable<MessageDescriptor> all = typeof(Cluster).Assembly.GetTypes()
            .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
            .OfType<MessageDescriptor>().Where(type => type.ContainingType is null);
        Assert.Equal([], all.Select(type => type.FullName).Where(name => !KnownTypes.All.ContainsKey(name)));
    }

    [Theory]
    [InlineData("""{"name": "c", "connectTimeout": "315576000001s"}""", "c.connectTimeout: a duration such as")]
    [InlineData("""{"name": "c", "connectTimeout": "5"}""", "c.connectTimeout: a duration such as \"1.5s\" was expected, not the text \"5\"")]
    [InlineData("""{"name": 3}""", "c.name: text was expected, not the number 3")]
    [InlineData("""{"type": "EDS", "clusterType": {"name": "x"}}""", "c.clusterType: cannot be set beside type")]
    [InlineData("""{"name": "a", "name": "b"}""", "c.name: set twice")]
    [InlineData("""{"lbPolicy": "ROUND"}""", "c.lbPolicy: envoy.config.cluster.v3.Cluster.LbPolicy has no value ROUND; there are: ROUND_ROBIN")]
    [InlineData("""{"perConnectionBufferLimitBytes": -1}""", "c.perConnectionBufferLimitBytes: a number that fits UInt32")]
    [InlineData("""{"filters": {}}""", "c.filters: a list was expected, not an object")]
    [InlineData("""{"transportSocket": {"typedConfig": {}}}""", "c.transportSocket.typedConfig: an object with \"@type\" was expected")]
    public void What_does_not_fit_is_told_with_its_path(string json, string message)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Contains(message, Assert.Throws<ProtoJsonException>(() => ProtoJson.Encode(document.RootElement, Cluster.Descriptor, "c", [])).Message);
    }

    [Fact]
    public void What_is_not_known_is_noted_and_left_out()
    {
        using JsonDocument document = JsonDocument.Parse("""{"name": "c", "no_such_field": 1, "transportSocket": {"typedConfig": {"@type": "type.googleapis.com/who.Knows", "a": 1}}}""");
        var notes = new List<string>();
        Cluster cluster = Cluster.Parser.ParseFrom(ProtoJson.Encode(document.RootElement, Cluster.Descriptor, "c", notes));
        Assert.Equal(2, notes.Count);
        Assert.StartsWith("c.no_such_field: ", notes[0]);
        Assert.StartsWith("c.transportSocket.typedConfig: type.googleapis.com/who.Knows is not known", notes[1]);
        Assert.Equal("type.googleapis.com/who.Knows", cluster.TransportSocket.TypedConfig.TypeUrl);
    }

    [Fact]
    public void The_order_of_keys_does_not_matter()
    {
        byte[] Encode(string json)
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return ProtoJson.Encode(document.RootElement, VirtualHost.Descriptor, "v", []);
        }

        Assert.Equal(Encode("""{"name": "v", "domains": ["*"]}"""), Encode("""{"domains": ["*"], "name": "v"}"""));
    }

    // Maps have no order, but Any compares the bytes that they happen to have.
    private static string Sorted(string json) => Sorted(JsonNode.Parse(json))!.ToJsonString();

    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, Sorted(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    // Without the fields that our definitions do not have, which no JSON carries, also inside Any.
    private static IMessage Known(IMessage message, MessageDescriptor type) =>
        new MessageParserWithoutUnknown(type).Parse(message.ToByteString());

    private sealed class MessageParserWithoutUnknown(MessageDescriptor type)
    {
        public IMessage Parse(ByteString bytes)
        {
            IMessage message = type.Parser.WithDiscardUnknownFields(true).ParseFrom(bytes);
            Clean(message);
            return message;
        }

        private static void Clean(IMessage message)
        {
            if (message is Google.Protobuf.WellKnownTypes.Any any)
            {
                if (KnownTypes.Find(any.TypeUrl) is { } inside)
                {
                    any.Value = new MessageParserWithoutUnknown(inside).Parse(any.Value).ToByteString();
                }

                return;
            }

            foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder().Where(field => field.FieldType == FieldType.Message))
            {
                object? value = field.Accessor.GetValue(message);
                IEnumerable<object?> values = value is System.Collections.IDictionary map ? map.Values.Cast<object?>() : value is System.Collections.IList list ? list.Cast<object?>() : [value];
                foreach (IMessage inner in values.OfType<IMessage>())
                {
                    Clean(inner);
                }
            }
        }
    }
}
