using Amesh.Translation.Clusters;
using Amesh.Xds.Store;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Translation;

/// <summary>Names and ids that several translators must agree on.</summary>
internal static class Names
{
    // APISIX's limit on the name of an object.
    private const int MaxNameLength = 100;

    /// <summary>The id of the upstream that stands for a cluster, or for a <see cref="SubsetName"/>, whether the cluster has come or not.</summary>
    public static string UpstreamId(string cluster) => Apisix.ObjectId.From(SubsetName.Readable(cluster));

    /// <summary>The id of the secret that a TLS context names, whether it has come or not; null for the system's authorities.</summary>
    public static string? SecretId(SdsSecretConfig config) => SecretOrigin.Of(config) is { } secret ? SecretId(secret.TypeUrl, secret.Name) : null;

    /// <summary>The id of a secret of a <see cref="SecretOrigin"/>.</summary>
    public static string SecretId(string origin, string name) => Apisix.ObjectId.From(origin == SecretOrigin.Agent ? $"agent {name}" : name);

    /// <summary>A name for people, within APISIX's limit.</summary>
    public static string Readable(string name) => name.Length <= MaxNameLength ? name : name[..MaxNameLength];
}
