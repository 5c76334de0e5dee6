using Envoy.Config.Core.V3;

namespace Amesh.Translation;

/// <summary>Istio writes into the metadata of a resource which of the user's objects it was made from.</summary>
internal static class Origins
{
    /// <summary>For example <c>/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews</c>; null where it is not said.</summary>
    public static string? Of(Metadata? metadata) =>
        metadata is not null && metadata.FilterMetadata.TryGetValue("istio", out Google.Protobuf.WellKnownTypes.Struct? istio)
        && istio.Fields.TryGetValue("config", out Google.Protobuf.WellKnownTypes.Value? config) && config.StringValue.Length > 0
            ? config.StringValue
            : null;
}
