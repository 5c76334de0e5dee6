using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Xds.Tests.Ads;

/// <summary>Small resources and responses.</summary>
internal static class Some
{
    public static Cluster EdsCluster(string name) => new()
    {
        Name = name,
        Type = Cluster.Types.DiscoveryType.Eds,
        EdsClusterConfig = new() { EdsConfig = new ConfigSource { Ads = new() } },
    };

    public static ClusterLoadAssignment Assignment(string name) => new() { ClusterName = name };

    public static Listener Listener(string name) => new() { Name = name };

    public static Any AnyOf(IMessage message) => new() { TypeUrl = "type.googleapis.com/" + message.Descriptor.FullName, Value = message.ToByteString() };

    public static DeltaDiscoveryResponse Delta(string typeUrl, string nonce, params IMessage[] messages) => new()
    {
        TypeUrl = typeUrl,
        Nonce = nonce,
        SystemVersionInfo = "v-" + nonce,
        Resources = { messages.Select(message => new Resource { Name = NameOf(message), Version = "r-" + nonce, Resource_ = AnyOf(message) }) },
    };

    public static DiscoveryResponse Sotw(string typeUrl, string version, string nonce, params IMessage[] messages) => new()
    {
        TypeUrl = typeUrl,
        Nonce = nonce,
        VersionInfo = version,
        Resources = { messages.Select(AnyOf) },
    };

    public static string NameOf(IMessage message) => (string)message.Descriptor.FindFieldByNumber(1).Accessor.GetValue(message);
}
