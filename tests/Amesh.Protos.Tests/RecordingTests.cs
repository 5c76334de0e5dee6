using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>Every byte that a recorded control plane sent is known to protos/, or listed here.</summary>
public sealed class RecordingTests
{
    /// <summary>Field numbers that recordings use and protos/ leaves out: message full name, "#", number; with the reason.</summary>
    private static readonly Dictionary<string, string> _fieldsLeftOut = [];

    /// <summary>Types of google.protobuf.Any that recordings use and protos/ leaves out, with the reason.</summary>
    private static readonly Dictionary<string, string> _typesLeftOut = new()
    {
        ["istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig"] =
            "Istio's own filter: it chooses the ALPN that one sidecar offers another; its definition is not part of Envoy's API",
    };

    public static TheoryData<string> Names => [.. RecordedStream.All.Select(recording => recording.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void No_recorded_field_is_unknown(string name)
    {
        RecordedStream recording = RecordedStream.All.Single(one => one.Name == name);
        UnknownFields unknown = new();
        foreach (ByteString response in recording.Responses())
        {
            unknown.Walk(recording.ResponseType, response);
        }
        Assert.True(unknown.Messages > 100);
        Assert.Empty(unknown.Fields.Except(_fieldsLeftOut.Keys));
        Assert.Empty(unknown.Types.Except(_typesLeftOut.Keys));
    }

    [Fact]
    public void Nothing_is_listed_as_left_out_that_no_recording_uses()
    {
        UnknownFields unknown = new();
        foreach (RecordedStream recording in RecordedStream.All.Where(one => !one.Name.Contains("scale", StringComparison.Ordinal)))
        {
            foreach (ByteString response in recording.Responses())
            {
                unknown.Walk(recording.ResponseType, response);
            }
        }
        Assert.Equal(_fieldsLeftOut.Keys.Order(), unknown.Fields.Order());
        Assert.Equal(_typesLeftOut.Keys.Order(), unknown.Types.Order());
    }

    [Fact]
    public void A_recorded_resource_keeps_its_size_when_parsed_and_written()
    {
        // A field of a wrong type would come out with another size, or not at all.
        foreach (RecordedStream recording in RecordedStream.All.Where(one => !one.Name.Contains("scale", StringComparison.Ordinal)))
        {
            foreach (ByteString response in recording.Responses())
            {
                IMessage message = recording.ResponseType.Parser.ParseFrom(response);
                Assert.Equal(response.Length, message.CalculateSize());
                foreach (Google.Protobuf.WellKnownTypes.Any any in Resources(message))
                {
                    MessageDescriptor type = OurProtos.Registry.Find(Google.Protobuf.WellKnownTypes.Any.GetTypeName(any.TypeUrl));
                    Assert.Equal(any.Value.Length, type.Parser.ParseFrom(any.Value).CalculateSize());
                }
            }
        }
    }

    private static IEnumerable<Google.Protobuf.WellKnownTypes.Any> Resources(IMessage response) => response switch
    {
        Envoy.Service.Discovery.V3.DiscoveryResponse sotw => sotw.Resources,
        Envoy.Service.Discovery.V3.DeltaDiscoveryResponse delta => delta.Resources.Select(resource => resource.Resource_),
        _ => [],
    };
}
