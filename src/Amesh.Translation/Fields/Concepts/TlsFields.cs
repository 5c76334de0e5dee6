using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>TLS contexts and secrets.</summary>
internal static class TlsFields
{
    private const string Tls = "envoy.extensions.transport_sockets.tls.v3.";

    private static readonly FieldTreatment _notYet = NotYet("TLS is not translated yet", "upstreams.tls, ssls");

    public static Concept Concept { get; } = new("TLS",
    [
        new(Tls + "UpstreamTlsContext", _notYet)
        {
            { "sni", Exact("upstreams.labels.amesh_sni") },
            { "common_tls_context", NotYet("the server's certificate is NOT checked, and a client's is not shown yet", "upstreams.tls") },
        },
        new(Tls + "DownstreamTlsContext", _notYet),
        new(Tls + "CommonTlsContext", _notYet),
        new(Tls + "CommonTlsContext.CombinedCertificateValidationContext", _notYet),
        new(Tls + "TlsParameters", _notYet),
        new(Tls + "TlsCertificate", _notYet),
        new(Tls + "CertificateValidationContext", _notYet),
        new(Tls + "SubjectAltNameMatcher", _notYet),
        new(Tls + "SdsSecretConfig", _notYet),
        new(Tls + "Secret", _notYet),
        new(Tls + "SPIFFECertValidatorConfig", _notYet),
        new(Tls + "SPIFFECertValidatorConfig.TrustDomain", _notYet),
    ]);
}
