using Envoy.Config.Core.V3;

namespace Amesh.Translation.Filters;

/// <summary>Where a filter asks a service by HTTP.</summary>
internal static class ServiceUri
{
    /// <summary>Null for an address that nobody can be asked at, or without a cluster. The scheme says nothing, as in Envoy, since the cluster does.</summary>
    public static (string Host, string Path)? Split(HttpUri? uri)
    {
        string text = uri?.Uri ?? "";
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        string rest = scheme < 0 ? text : text[(scheme + 3)..];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string host = slash < 0 ? rest : rest[..slash];
        string path = slash < 0 ? "/" : rest[slash..];
        bool isUsable = uri is { Cluster.Length: > 0 } && host.Length > 0 && !host.AsSpan().ContainsAny(" \r\n\t\"") && !path.AsSpan().ContainsAny(" \r\n\t");
        return isUsable ? (host, path) : null;
    }
}
