using Amesh.Apisix;
using Amesh.Xds.Secrets;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Secret = Amesh.Apisix.Secret;
using TlsProtocol = Envoy.Extensions.TransportSockets.Tls.V3.TlsParameters.Types.TlsProtocol;

namespace Amesh.Translation.Secrets;

/// <summary>
/// What a <c>CommonTlsContext</c> comes to, for clusters as for listeners: ids of secrets, and what is written in the context
/// itself as secrets that belong to whoever owns the context.
/// </summary>
internal sealed record TlsMaterial
{
    /// <summary>The id of the secret with our own certificate; null for none.</summary>
    public string? Certificate { get; private init; }

    /// <summary>The id of the secret that peers are checked by.</summary>
    public string? Validation { get; private init; }

    /// <summary>Peers are checked by the authorities of the system.</summary>
    public bool SystemCa { get; private init; }

    /// <summary>Whether a peer's certificate is checked by anything.</summary>
    public bool Verifies => Validation is not null || SystemCa;

    /// <summary>Names of which a peer must have one, beside those of the secret.</summary>
    public IReadOnlyList<SanMatch>? Sans { get; private init; }

    /// <summary>The protocols that are offered or taken, in order; null for none.</summary>
    public IReadOnlyList<string>? Alpn { get; private init; }

    /// <summary>For example <c>TLSv1.2</c>; null where nothing is said.</summary>
    public string? MinVersion { get; private init; }

    /// <summary>The highest version.</summary>
    public string? MaxVersion { get; private init; }

    /// <summary>Secrets that are written in the context, to be put out beside what names them.</summary>
    public IReadOnlyList<Secret> Inline { get; private init; } = [];

    /// <summary>Reads a context.</summary>
    /// <param name="context">The context.</param>
    /// <param name="owner">Whose it is, for example <c>cluster reviews</c>: what is written in it goes by this name.</param>
    /// <param name="data">Reads what is written in files.</param>
    /// <param name="diagnostics">Where it stands.</param>
    public static TlsMaterial From(CommonTlsContext? context, string owner, IDataReader data, DiagnosticScope diagnostics)
    {
        context ??= new CommonTlsContext();
        var inline = new List<Secret>();
        CertificateValidationContext? validation = context.ValidationContextTypeCase switch
        {
            CommonTlsContext.ValidationContextTypeOneofCase.ValidationContext => context.ValidationContext,
            CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext => context.CombinedValidationContext.DefaultValidationContext,
            _ => null,
        };
        SdsSecretConfig? named = context.ValidationContextTypeCase switch
        {
            CommonTlsContext.ValidationContextTypeOneofCase.ValidationContextSdsSecretConfig => context.ValidationContextSdsSecretConfig,
            CommonTlsContext.ValidationContextTypeOneofCase.CombinedValidationContext => context.CombinedValidationContext.ValidationContextSdsSecretConfig,
            _ => null,
        };
        string? certificate = CertificateOf(context, owner, data, diagnostics, inline);
        string? peers = named is null ? InlineValidation(validation, owner, data, diagnostics, inline) : Names.SecretId(named);
        return new TlsMaterial
        {
            Certificate = certificate,
            Validation = peers,
            SystemCa = named is not null ? peers is null : peers is null && validation?.SystemRootCerts is not null,
            Sans = SanMatches.Of(validation, diagnostics),
            Alpn = context.AlpnProtocols.Count == 0 ? null : [.. context.AlpnProtocols],
            MinVersion = Version(context.TlsParams?.TlsMinimumProtocolVersion),
            MaxVersion = Version(context.TlsParams?.TlsMaximumProtocolVersion),
            Inline = inline,
        };
    }

    private static string? CertificateOf(CommonTlsContext context, string owner, IDataReader data, DiagnosticScope diagnostics, List<Secret> inline)
    {
        if (context.TlsCertificates.Count + context.TlsCertificateSdsSecretConfigs.Count > 1)
        {
            diagnostics.Near("tls_certificates", "the first certificate alone is shown");
        }

        if (context.TlsCertificateProviderInstance is not null)
        {
            diagnostics.Refused("tls_certificate_provider_instance", "there are no such providers; handshakes that need it fail");
            return ObjectId.From($"{owner} certificate");
        }

        if (context.TlsCertificates.Count == 0)
        {
            return context.TlsCertificateSdsSecretConfigs.Count == 0 ? null : Names.SecretId(context.TlsCertificateSdsSecretConfigs[0]);
        }

        string id = ObjectId.From($"{owner} certificate");
        if (SecretTranslator.Certificate(id, $"{owner} certificate", context.TlsCertificates[0], data, diagnostics.At("tls_certificates[0]")) is { } secret)
        {
            inline.Add(secret);
        }

        return id;
    }

    // The id is named even where the secret comes to nothing: then handshakes fail, rather than go unchecked.
    private static string? InlineValidation(
        CertificateValidationContext? context, string owner, IDataReader data, DiagnosticScope diagnostics, List<Secret> inline)
    {
        if (context is null || !Checks(context))
        {
            return null;
        }

        string id = ObjectId.From($"{owner} validation");
        // The names that it asks for are the context's own.
        CertificateValidationContext authorities = context.Clone();
        authorities.MatchTypedSubjectAltNames.Clear();
        authorities.MatchSubjectAltNames.Clear();
        if (SecretTranslator.Validation(id, $"{owner} validation", authorities, data, diagnostics.At("validation_context")) is { } secret)
        {
            inline.Add(secret);
        }

        return id;
    }

    // One without authorities checks nothing, unless it asks for another check.
    private static bool Checks(CertificateValidationContext context) =>
        DataSources.IsGiven(context.TrustedCa) || DataSources.IsGiven(context.Crl) || context.CustomValidatorConfig is not null
        || context.CaCertificateProviderInstance is not null || context.VerifyCertificateHash.Count > 0 || context.VerifyCertificateSpki.Count > 0
        || context.RequireSignedCertificateTimestamp == true;

    private static string? Version(TlsProtocol? version) => version switch
    {
        TlsProtocol.Tlsv10 => "TLSv1",
        TlsProtocol.Tlsv11 => "TLSv1.1",
        TlsProtocol.Tlsv12 => "TLSv1.2",
        TlsProtocol.Tlsv13 => "TLSv1.3",
        _ => null,
    };
}
