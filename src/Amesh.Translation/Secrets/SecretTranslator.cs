using Amesh.Apisix;
using Amesh.Xds.Recordings;
using Amesh.Xds.Secrets;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using EnvoySecret = Envoy.Extensions.TransportSockets.Tls.V3.Secret;
using Secret = Amesh.Apisix.Secret;

namespace Amesh.Translation.Secrets;

/// <summary>
/// A certificate with its key, or the authorities that peers are checked by, as a secret object. What is wrong is told
/// without any of the content.
/// </summary>
/// <remarks>
/// A secret that asks for a check that Amesh cannot make comes to nothing: handshakes that need it fail, rather than succeed
/// without the check.
/// </remarks>
internal static class SecretTranslator
{
    /// <summary>A secret that came by its name; null where nothing can be made of it.</summary>
    public static Secret? Translate(string id, EnvoySecret secret, IDataReader data, DiagnosticScope diagnostics) => secret.TypeCase switch
    {
        EnvoySecret.TypeOneofCase.TlsCertificate => Certificate(id, secret.Name, secret.TlsCertificate, data, diagnostics.At("tls_certificate")),
        EnvoySecret.TypeOneofCase.ValidationContext => Validation(id, secret.Name, secret.ValidationContext, data, diagnostics.At("validation_context")),

        // The table of fields tells of the other types.
        _ => null,
    };

    /// <summary>A certificate and its key.</summary>
    public static Secret? Certificate(string id, string name, TlsCertificate certificate, IDataReader data, DiagnosticScope diagnostics)
    {
        if (data.Read(certificate.CertificateChain, diagnostics.At("certificate_chain")) is not { } chain
            || data.Read(certificate.PrivateKey, diagnostics.At("private_key")) is not { } key)
        {
            return null;
        }

        if (key == PrivateKeys.Placeholder)
        {
            diagnostics.Refused("private_key", "it was taken out of a recording; handshakes that need it fail");
            return new Secret { Id = id, Name = Names.Readable(name), Certificate = chain };
        }

        if (DataSources.IsGiven(certificate.Password))
        {
            if (data.Read(certificate.Password, diagnostics.At("password")) is not { } password || Pem.Decrypt(key, password) is not { } plain)
            {
                diagnostics.Refused("password", "the private key cannot be read with it; handshakes that need it fail");
                return null;
            }

            key = plain;
        }

        if (Pem.FaultOfPair(chain, key) is { } fault)
        {
            diagnostics.Refused("", $"{fault}; handshakes that need it fail");
            return null;
        }

        return new Secret { Id = id, Name = Names.Readable(name), Certificate = chain, PrivateKey = key };
    }

    /// <summary>What a peer's certificate is checked by.</summary>
    public static Secret? Validation(string id, string name, CertificateValidationContext context, IDataReader data, DiagnosticScope diagnostics)
    {
        if (!CanCheck(context, diagnostics))
        {
            return null;
        }

        IReadOnlyList<TrustDomain>? domains = null;
        if (context.CustomValidatorConfig is { } custom && (domains = TrustDomains(custom, data, diagnostics.At("custom_validator_config"))) is null)
        {
            return null;
        }

        string? ca = domains is null ? null : string.Concat(domains.Select(domain => Ended(domain.Ca)));
        if (DataSources.IsGiven(context.TrustedCa) && domains is null && (ca = Authorities(context.TrustedCa, data, diagnostics.At("trusted_ca"))) is null)
        {
            return null;
        }

        string? revoked = null;
        if (DataSources.IsGiven(context.Crl))
        {
            revoked = data.Read(context.Crl, diagnostics.At("crl"));
            if (revoked is null || Pem.FaultOfRevocations(revoked) is not null)
            {
                diagnostics.Refused("crl", "it cannot be read; handshakes that need it fail");
                return null;
            }
        }

        return new Secret
        {
            Id = id,
            Name = Names.Readable(name),
            Ca = ca,
            Crl = revoked,
            Sans = SanMatches.Of(context, diagnostics),
            TrustDomains = domains,
        };
    }

    // Checks that would be left out: then there is to be no handshake at all.
    private static bool CanCheck(CertificateValidationContext context, DiagnosticScope diagnostics)
    {
        string? field =
            context.VerifyCertificateHash.Count > 0 ? "verify_certificate_hash"
            : context.VerifyCertificateSpki.Count > 0 ? "verify_certificate_spki"
            : context.RequireSignedCertificateTimestamp == true ? "require_signed_certificate_timestamp"
            : context.CaCertificateProviderInstance is not null ? "ca_certificate_provider_instance"
            : null;
        if (field is not null)
        {
            diagnostics.Refused(field, "there is no such check; handshakes that need it fail");
        }

        return field is null;
    }

    private static List<TrustDomain>? TrustDomains(TypedExtensionConfig custom, IDataReader data, DiagnosticScope diagnostics)
    {
        if (custom.TypedConfig?.Is(SPIFFECertValidatorConfig.Descriptor) != true)
        {
            diagnostics.Refused("", "this validator is not known; handshakes that need it fail");
            return null;
        }

        var domains = new List<TrustDomain>();
        foreach (SPIFFECertValidatorConfig.Types.TrustDomain domain in custom.TypedConfig.Unpack<SPIFFECertValidatorConfig>().TrustDomains)
        {
            if (Authorities(domain.TrustBundle, data, diagnostics.At($"trust_domains[{domain.Name}].trust_bundle")) is not { } ca)
            {
                return null;
            }

            domains.Add(new TrustDomain(domain.Name, ca));
        }

        return domains;
    }

    private static string? Authorities(DataSource source, IDataReader data, DiagnosticScope diagnostics)
    {
        if (data.Read(source, diagnostics) is not { } pem)
        {
            return null;
        }

        if (Pem.FaultOfCertificates(pem) is { } fault)
        {
            diagnostics.Refused("", $"{fault}; handshakes that need it fail");
            return null;
        }

        return pem;
    }

    private static string Ended(string pem) => pem.EndsWith('\n') ? pem : pem + "\n";
}
