using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Amesh.Xds.Secrets;

/// <summary>
/// Judges PEM texts. What is wrong is told in words of its own: no text of a library that has seen a key goes into a message.
/// </summary>
public static class Pem
{
    private const string Certificate = "CERTIFICATE";
    private const string Encrypted = "ENCRYPTED PRIVATE KEY";

    // .NET ends the process where it finds no OpenSSL; a guest must not. The names are those that it tries itself.
    private static readonly bool _canLookInside =
        !OperatingSystem.IsLinux()
        || new[] { "libssl.so.3", "libssl.so.1.1" }.Any(name => NativeLibrary.TryLoad(name, out _));

    /// <summary>What is wrong with one or more certificates; null where nothing is.</summary>
    public static string? FaultOfCertificates(string pem)
    {
        if (!HasBlock(pem, Certificate))
        {
            return "there is no PEM certificate in it";
        }

        if (!_canLookInside)
        {
            return null;
        }

        try
        {
            Dispose(Read(pem));
            return null;
        }
        catch (CryptographicException)
        {
            return "one of its certificates cannot be read";
        }
    }

    /// <summary>What is wrong with a certificate and its key, which is not encrypted; null where nothing is.</summary>
    public static string? FaultOfPair(string certificate, string key)
    {
        if (FaultOfCertificates(certificate) is { } fault)
        {
            return fault;
        }

        if (!HasKey(key))
        {
            return "there is no PEM private key for it";
        }

        if (!_canLookInside)
        {
            return null;
        }

        X509Certificate2Collection chain = Read(certificate);
        try
        {
            // The first is the one that is shown, as in Envoy.
            return FaultOfKey(chain[0], key);
        }
        finally
        {
            Dispose(chain);
        }
    }

    /// <summary>What is wrong with lists of revoked certificates; null where nothing is.</summary>
    public static string? FaultOfRevocations(string pem) => HasBlock(pem, "X509 CRL") ? null : "there is no PEM list of revoked certificates in it";

    /// <summary>A key without its password; null where the password is another or the form is not known.</summary>
    public static string? Decrypt(string key, string password)
    {
        if (!HasBlock(key, Encrypted))
        {
            return HasKey(key) ? key : null;
        }

        foreach (Func<AsymmetricAlgorithm> create in new Func<AsymmetricAlgorithm>[] { RSA.Create, ECDsa.Create })
        {
            using AsymmetricAlgorithm algorithm = create();
            try
            {
                algorithm.ImportFromEncryptedPem(key, password);
                return algorithm.ExportPkcs8PrivateKeyPem() + "\n";
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                // The other kind, or a wrong password.
            }
        }

        return null;
    }

    private static string? FaultOfKey(X509Certificate2 certificate, string key)
    {
        using AsymmetricAlgorithm? known = (AsymmetricAlgorithm?)certificate.GetRSAPublicKey() ?? certificate.GetECDsaPublicKey();
        if (known is null)
        {
            // Ed25519 and others that .NET has no class for: nginx judges them.
            return null;
        }

        using AsymmetricAlgorithm given = known is RSA ? RSA.Create() : ECDsa.Create();
        try
        {
            given.ImportFromPem(key);
            return given.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(known.ExportSubjectPublicKeyInfo())
                ? null
                : "the private key is not that of the certificate";
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return HasBlock(key, Encrypted) ? "the private key is encrypted, and no password is given" : "the private key cannot be read, or is of another kind than the certificate's";
        }
    }

    private static X509Certificate2Collection Read(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates;
    }

    private static void Dispose(X509Certificate2Collection certificates)
    {
        foreach (X509Certificate2 certificate in certificates)
        {
            certificate.Dispose();
        }
    }

    private static bool HasKey(string pem) => Blocks(pem).Any(label => label.EndsWith("PRIVATE KEY", StringComparison.Ordinal));

    private static bool HasBlock(string pem, string label) => Blocks(pem).Contains(label);

    private static List<string> Blocks(string pem)
    {
        var labels = new List<string>();
        ReadOnlySpan<char> rest = pem;
        while (PemEncoding.TryFind(rest, out PemFields block))
        {
            labels.Add(rest[block.Label].ToString());
            rest = rest[block.Location.End..];
        }

        return labels;
    }
}
