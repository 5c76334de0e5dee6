namespace Amesh.Harness.Recordings;

/// <summary>Which SPIFFE identities clusters expect of their endpoints: the exact names in the validation of their TLS contexts.</summary>
internal static class ExpectedIdentities
{
    private const string Scheme = "spiffe://";

    /// <summary>Identities that a cluster (its bytes) accepts.</summary>
    public static IEnumerable<string> Of(Wire cluster) =>
        // transport_socket, and that of every transport_socket_matches; typed_config, its value, common_tls_context
        cluster.Messages(24).Concat(cluster.Messages(43).SelectMany(static match => match.Messages(3)))
            .SelectMany(static socket => socket.Messages(3)).Where(static any => any.String(1).EndsWith("UpstreamTlsContext", StringComparison.Ordinal))
            .SelectMany(static any => any.Messages(2)).SelectMany(static context => context.Messages(1)).SelectMany(Validations)
            // match_subject_alt_names and match_typed_subject_alt_names
            .SelectMany(static validation => validation.Messages(9).Concat(validation.Messages(15).SelectMany(static typed => typed.Messages(2))))
            .Select(static matcher => matcher.String(1)).Where(static name => name.StartsWith(Scheme, StringComparison.Ordinal));

    /// <summary>validation_context, and default_validation_context of combined_validation_context.</summary>
    private static IEnumerable<Wire> Validations(Wire common) => common.Messages(3).Concat(common.Messages(8).SelectMany(static combined => combined.Messages(1)));
}
