using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Xds.Store;

/// <summary>The secrets that clusters and filter chains name in their TLS contexts.</summary>
internal static class SecretReferences
{
    public static IEnumerable<Dependency> Of(Cluster cluster) =>
        cluster.TransportSocketMatches.Select(match => match.TransportSocket).Append(cluster.TransportSocket).SelectMany(Of);

    public static IEnumerable<Dependency> Of(FilterChain chain) => Of(chain.TransportSocket);

    private static IEnumerable<Dependency> Of(TransportSocket? socket)
    {
        CommonTlsContext? context = null;
        if (socket?.TypedConfig?.Is(UpstreamTlsContext.Descriptor) == true)
        {
            context = socket.TypedConfig.Unpack<UpstreamTlsContext>().CommonTlsContext;
        }
        else if (socket?.TypedConfig?.Is(DownstreamTlsContext.Descriptor) == true)
        {
            context = socket.TypedConfig.Unpack<DownstreamTlsContext>().CommonTlsContext;
        }

        if (context is null)
        {
            yield break;
        }

        SdsSecretConfig?[] named =
        [
            .. context.TlsCertificateSdsSecretConfigs,
            context.ValidationContextSdsSecretConfig,
            context.CombinedValidationContext?.ValidationContextSdsSecretConfig,
        ];
        foreach (SdsSecretConfig? config in named)
        {
            if (config is { Name.Length: > 0 } or { SdsConfig: not null } && SecretOrigin.Of(config) is { } secret)
            {
                yield return Dependency.By(config.SdsConfig, secret.TypeUrl, secret.Name);
            }
        }
    }
}
