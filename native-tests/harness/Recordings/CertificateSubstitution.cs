using System.Security.Cryptography.X509Certificates;
using System.Text;
using Amesh.Harness.Certificates;

namespace Amesh.Harness.Recordings;

/// <summary>
/// Puts the run's own authority in the place of every CA in clusters, listeners and secrets that validate peers, and certificates of it in the
/// place of those that carry a SPIFFE identity. Certificates without one (a gateway's public ones) and, with
/// <paramref name="keepSecrets"/>, all secrets stay as recorded.
/// </summary>
/// <param name="authority">The run's authority.</param>
/// <param name="keepSecrets">True for a gateway.</param>
internal sealed class CertificateSubstitution(RunAuthority authority, bool keepSecrets)
{
    /// <summary>Names of secrets that some context asks for a certificate.</summary>
    public SortedSet<string> CertificateNames { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of secrets that some context validates peers by.</summary>
    public SortedSet<string> ValidationNames { get; } = new(StringComparer.Ordinal);

    /// <summary>A resource with the run's certificates in it.</summary>
    /// <param name="type">The last part of its type's name (<c>Cluster</c>).</param>
    /// <param name="resource">Its bytes.</param>
    public ReadOnlyMemory<byte> Apply(string type, ReadOnlyMemory<byte> resource) => type switch
    {
        // transport_socket, and that of every transport_socket_matches
        "Cluster" => new WireEditor(resource).Edit([24, 3], TlsContext).Edit([43, 3, 3], TlsContext).ToBytes(),
        // filter_chains and default_filter_chain
        "Listener" => new WireEditor(resource).Edit([3, 6, 3], TlsContext).Edit([25, 6, 3], TlsContext).ToBytes(),
        "Secret" when !keepSecrets => new WireEditor(resource).Edit(2, TlsCertificate).Edit(4, ValidationContext).ToBytes(),
        _ => resource,
    };

    /// <summary>A secret with a certificate of the run.</summary>
    public ReadOnlyMemory<byte> Certificate(string name, string identity)
    {
        var (chain, key) = authority.PemForIdentity(identity);
        return new WireEditor().Add(1, name).Add(2, new WireEditor().Add(1, Text(chain)).Add(2, Text(key)).ToBytes()).ToBytes();
    }

    /// <summary>A secret with the run's authority.</summary>
    public ReadOnlyMemory<byte> Authority(string name) => new WireEditor().Add(1, name).Add(4, new WireEditor().Add(1, Text(authority.Pem)).ToBytes()).ToBytes();

    /// <summary>Inside an Any: type URL and value.</summary>
    private ReadOnlyMemory<byte> TlsContext(ReadOnlyMemory<byte> any) =>
        new Wire(any).String(1).EndsWith("TlsContext", StringComparison.Ordinal) ? new WireEditor(any).Edit([2, 1], CommonTlsContext).ToBytes() : any;

    private ReadOnlyMemory<byte> CommonTlsContext(ReadOnlyMemory<byte> common)
    {
        var read = new Wire(common);
        CertificateNames.UnionWith(read.Messages(6).Select(static config => config.String(1)));
        ValidationNames.UnionWith(read.Messages(7).Concat(read.Messages(8).SelectMany(static combined => combined.Messages(2))).Select(static config => config.String(1)));
        return new WireEditor(common).Edit(2, TlsCertificate).Edit(3, ValidationContext).Edit([8, 1], ValidationContext).ToBytes();
    }

    private ReadOnlyMemory<byte> TlsCertificate(ReadOnlyMemory<byte> certificate)
    {
        var chain = new Wire(certificate).Message(1);
        if (chain is null || IdentityOf(chain) is not { } identity)
        {
            return certificate;
        }
        var issued = authority.PemForIdentity(identity);
        return new WireEditor(certificate).Remove(1).Remove(2).Add(1, Text(issued.Chain)).Add(2, Text(issued.Key)).ToBytes();
    }

    /// <summary>trusted_ca, and the bundles of a SPIFFE validator (custom_validator_config, its Any's value, trust_domains, trust_bundle).</summary>
    private ReadOnlyMemory<byte> ValidationContext(ReadOnlyMemory<byte> context) =>
        new WireEditor(context).Edit(1, _ => Text(authority.Pem)).Edit([12, 2, 2, 1, 2], _ => Text(authority.Pem)).ToBytes();

    /// <summary>The SPIFFE identity in a DataSource (inline_bytes or inline_string) with a chain; null when there is none.</summary>
    private static string? IdentityOf(Wire source)
    {
        var text = Encoding.ASCII.GetString((source.Bytes(2) is { IsEmpty: false } bytes ? bytes : source.Bytes(3)).Span);
        if (!text.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal))
        {
            return null;
        }
        using var certificate = X509Certificate2.CreateFromPem(text);
        return RunAuthority.Identity(certificate) is { } identity && identity.StartsWith("spiffe://", StringComparison.Ordinal) ? identity : null;
    }

    /// <summary>A DataSource with inline_string.</summary>
    private static ReadOnlyMemory<byte> Text(string text) => new WireEditor().Add(3, text).ToBytes();
}
