using Envoy.Config.Core.V3;
using Envoy.Config.Route.V3;

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

    /// <summary>The origin of the route that a path like <c>virtual_hosts[x].routes[3].match</c> leads into; null where it leads elsewhere.</summary>
    public static string? OfRouteAt(VirtualHost virtualHost, string path)
    {
        const string Routes = ".routes[";
        int start = path.IndexOf(Routes, StringComparison.Ordinal);
        int end = start < 0 ? -1 : path.IndexOf(']', start + Routes.Length);
        return end > 0 && int.TryParse(path.AsSpan((start + Routes.Length)..end), out int index) && index < virtualHost.Routes.Count
            ? Of(virtualHost.Routes[index].Metadata)
            : null;
    }
}
