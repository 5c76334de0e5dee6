using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Xds.Store;

/// <summary>
/// Where secrets come from. Each origin is a type of resource of its own to the store: the same name of two origins is two
/// secrets, and each origin has its own source.
/// </summary>
public static class SecretOrigin
{
    /// <summary>The ADS stream that brings everything else.</summary>
    public const string Ads = TypeUrls.Secret;

    /// <summary>A server of secrets beside the control plane, such as Istio's agent on its Unix socket.</summary>
    public const string Agent = TypeUrls.Secret + " of the agent";

    /// <summary>Files. Names are those that <see cref="FileName"/> makes.</summary>
    public const string Files = TypeUrls.Secret + " of files";

    /// <summary>All origins.</summary>
    public static IReadOnlyList<string> All { get; } = [Ads, Agent, Files];

    /// <summary>Whether a type comes from elsewhere than everything else.</summary>
    public static bool IsAside(string typeUrl) => typeUrl is Agent or Files;

    // How Istio writes files into names, for its agent to read: file-root:CA and file-cert:CERTIFICATE~KEY.
    private const string FileRoot = "file-root:";
    private const string FileCertificate = "file-cert:";

    /// <summary>Istio's name for the authorities of the system, which need no secret.</summary>
    public const string SystemRoots = FileRoot + "system";

    /// <summary>The origin of a secret and its name there; null for the authorities of the system, which are no secret.</summary>
    public static (string TypeUrl, string Name)? Of(SdsSecretConfig config) => config.SdsConfig?.ConfigSourceSpecifierCase switch
    {
        _ when config.Name == SystemRoots => null,
        _ when IsFileName(config.Name) => (Files, config.Name),
        ConfigSource.ConfigSourceSpecifierOneofCase.ApiConfigSource => (Agent, config.Name),
        ConfigSource.ConfigSourceSpecifierOneofCase.PathConfigSource =>
            (Files, FileName(config.SdsConfig.PathConfigSource.Path, config.SdsConfig.PathConfigSource.WatchedDirectory?.Path, config.Name)),
        ConfigSource.ConfigSourceSpecifierOneofCase.Path => (Files, FileName(config.SdsConfig.Path, null, config.Name)),

        // ads and self. One without a source is one of the bootstrap's own secrets in Envoy; a control plane has no such thing.
        _ => (Ads, config.Name),
    };

    /// <summary>The name in <see cref="Files"/> of a secret in a file of resources.</summary>
    /// <param name="file">The file.</param>
    /// <param name="watched">The folder whose change says that the file has changed; null where it is the file's own.</param>
    /// <param name="name">The secret's name in the file.</param>
    public static string FileName(string file, string? watched, string name) => watched is null ? $"{file}\n{name}" : $"{file}\n{name}\n{watched}";

    /// <summary>The other way round; null where the name is one of Istio's.</summary>
    public static (string File, string Name, string? Watched)? ParseFileName(string name) =>
        name.Split('\n') is [var file, var inside, .. var watched] ? (file, inside, watched.Length > 0 ? watched[0] : null) : null;

    /// <summary>What one of Istio's names stands for; null where it is none.</summary>
    public static Secret? SecretOfName(string name)
    {
        if (name.StartsWith(FileRoot, StringComparison.Ordinal) && name.Length > FileRoot.Length)
        {
            return new Secret { Name = name, ValidationContext = new CertificateValidationContext { TrustedCa = File(name[FileRoot.Length..]) } };
        }

        return name.StartsWith(FileCertificate, StringComparison.Ordinal) && name[FileCertificate.Length..].Split('~') is [{ Length: > 0 } chain, { Length: > 0 } key]
            ? new Secret { Name = name, TlsCertificate = new TlsCertificate { CertificateChain = File(chain), PrivateKey = File(key) } }
            : null;
    }

    private static bool IsFileName(string name) => SecretOfName(name) is not null;

    private static DataSource File(string path) => new() { Filename = path };
}
