using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>TLS contexts and secrets.</summary>
internal static class TlsFields
{
    private const string Tls = "envoy.extensions.transport_sockets.tls.v3.";

    public static Concept Concept { get; } = new("TLS",
    [
        new(Tls + "UpstreamTlsContext")
        {
            { "common_tls_context", Exact("tls_contexts") },
            { "sni auto_host_sni", Exact("tls_contexts.sni") },
            { "auto_sni_san_validation", Exact("tls_contexts.sans, tls_contexts.auto_san") },
            { "allow_renegotiation", NotYet("a server that wants to renegotiate is refused") },
            { "max_session_keys", NotYet("sessions are resumed as nginx is configured") },
            { "enforce_rsa_key_usage", NotYet("it is as OpenSSL does it") },
        },
        new(Tls + "DownstreamTlsContext")
        {
            { "common_tls_context", Exact("listeners.chains[].tls") },
            { "require_client_certificate", Exact("listeners.chains[].tls.require_client_certificate") },
            { "require_sni", NotYet("a client without SNI is taken by the chain that fits it otherwise") },
            {
                "session_ticket_keys session_ticket_keys_sds_secret_config disable_stateless_session_resumption disable_stateful_session_resumption session_timeout",
                NotYet("sessions are resumed as nginx is configured")
            },
            { "ocsp_staple_policy", NotYet("no OCSP answers are stapled") },
            { "full_scan_certs_on_sni_mismatch", Inert("a chain shows one certificate") },
        },
        new(Tls + "CommonTlsContext")
        {
            { "tls_certificates tls_certificate_sds_secret_configs", Exact("tls_contexts.certificate", "the first; that there are more is told where they stand") },
            { "validation_context validation_context_sds_secret_config combined_validation_context", Exact("tls_contexts.validation") },
            { "alpn_protocols", Exact("tls_contexts.alpn") },
            { "tls_params", Exact("tls_contexts") },
            { "tls_certificate_provider_instance", Refused("there are no such providers; handshakes that need it fail") },
            { "custom_handshaker", NotYet("handshakes are OpenSSL's") },
        },
        new(Tls + "CommonTlsContext.CombinedCertificateValidationContext")
        {
            { "default_validation_context", Exact("tls_contexts.sans", "authorities are those of the secret") },
            { "validation_context_sds_secret_config", Exact("tls_contexts.validation, tls_contexts.system_ca") },
        },
        new(Tls + "TlsParameters")
        {
            { "tls_minimum_protocol_version", Exact("tls_contexts.min_version") },
            { "tls_maximum_protocol_version", Exact("tls_contexts.max_version") },
            { "cipher_suites ecdh_curves signature_algorithms", NotYet("they are as nginx is configured") },
        },
        new(Tls + "Secret")
        {
            { "name", Exact("amesh_secrets.name") },
            { "tls_certificate", Exact("amesh_secrets.certificate") },
            { "validation_context", Exact("amesh_secrets.ca") },
            { "session_ticket_keys", NotYet("nginx makes its own session tickets") },
            { "generic_secret", NotYet("nothing that is translated uses one") },
        },
        new(Tls + "SdsSecretConfig")
        {
            { "name", Exact("tls_contexts.certificate, tls_contexts.validation, listeners.chains[].tls") },
            { "sds_config", Exact("", "the ADS stream, a server of secrets, or a file; see docs/tls.md") },
        },
        new(Tls + "TlsCertificate")
        {
            { "certificate_chain", Exact("amesh_secrets.certificate") },
            { "private_key password", Exact("amesh_secrets.key") },
            { "watched_directory", Near("", "files are looked at every second, whatever folder is named") },
            { "pkcs12", Refused("handshakes that need it fail: give certificate_chain and private_key") },
            { "ocsp_staple signed_certificate_timestamp", NotYet("it is not shown to peers") },
        },
        new(Tls + "CertificateValidationContext")
        {
            { "trusted_ca", Exact("amesh_secrets.ca") },
            { "crl", Exact("amesh_secrets.crl") },
            { "match_typed_subject_alt_names match_subject_alt_names", Exact("tls_contexts.sans, listeners.chains[].tls.sans, amesh_secrets.sans") },
            { "system_root_certs", Exact("tls_contexts.system_ca") },
            { "custom_validator_config", Exact("amesh_secrets.trust_domains", "the SPIFFE validator; handshakes that need another one fail") },
            { "watched_directory", Near("", "files are looked at every second, whatever folder is named") },
            { "verify_certificate_spki verify_certificate_hash require_signed_certificate_timestamp", Refused("there is no such check; handshakes that need it fail") },
            { "ca_certificate_provider_instance", Refused("there are no such providers; handshakes that need it fail") },
            { "allow_expired_certificate", NotYet("expired certificates are refused") },
            { "trust_chain_verification", NotYet("certificates that are not trusted are refused") },
            { "only_verify_leaf_cert_crl", NotYet("every certificate of the chain is looked up in the lists") },
            { "max_verify_depth", NotYet("the depth is as nginx is configured") },
        },
        new(Tls + "SubjectAltNameMatcher")
        {
            { "san_type", Exact("tls_contexts.sans", "URI, DNS, EMAIL, IP_ADDRESS; one of another type holds for no certificate, and is told") },
            { "matcher", Exact("tls_contexts.sans") },
            { "oid", NotYet("such a comparison holds for no certificate") },
        },
        new(Tls + "SPIFFECertValidatorConfig")
        {
            { "trust_domains", Exact("amesh_secrets.trust_domains") },
        },
        new(Tls + "SPIFFECertValidatorConfig.TrustDomain")
        {
            { "name trust_bundle", Exact("amesh_secrets.trust_domains") },
        },
    ]);
}
