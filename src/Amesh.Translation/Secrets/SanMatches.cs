using Amesh.Apisix;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.Matcher.V3;
using SanType = Envoy.Extensions.TransportSockets.Tls.V3.SubjectAltNameMatcher.Types.SanType;

namespace Amesh.Translation.Secrets;

/// <summary>Envoy's comparisons with the names in a peer's certificate.</summary>
internal static class SanMatches
{
    // What no certificate has: one comparison that cannot be made must not leave every certificate good.
    private static readonly SanMatch _never = new("dns") { Exact = "" };

    /// <summary>All of a context's comparisons, of which one must hold; null where it asks for none.</summary>
    public static IReadOnlyList<SanMatch>? Of(CertificateValidationContext? context, DiagnosticScope diagnostics)
    {
        if (context is null)
        {
            return null;
        }

        var matches = new List<SanMatch>();
        for (int i = 0; i < context.MatchTypedSubjectAltNames.Count; i++)
        {
            SubjectAltNameMatcher typed = context.MatchTypedSubjectAltNames[i];
            matches.Add(Of(TypeOf(typed.SanType), typed.Matcher, diagnostics.At($"match_typed_subject_alt_names[{i}]")));
        }

        // The deprecated form compares with names of every type, and only where the typed form is absent.
        for (int i = 0; i < context.MatchSubjectAltNames.Count && context.MatchTypedSubjectAltNames.Count == 0; i++)
        {
            matches.Add(Of("any", context.MatchSubjectAltNames[i], diagnostics.At($"match_subject_alt_names[{i}]")));
        }

        return matches.Count == 0 ? null : matches;
    }

    private static SanMatch Of(string? type, StringMatcher? matcher, DiagnosticScope diagnostics)
    {
        if (type is not null && StringMatches.Of(matcher) is { } match)
        {
            return new SanMatch(type, match);
        }

        diagnostics.Refused("", "a comparison that cannot be made holds for no certificate");
        return _never;
    }

    private static string? TypeOf(SanType type) => type switch
    {
        SanType.Uri => "uri",
        SanType.Dns => "dns",
        SanType.Email => "email",
        SanType.IpAddress => "ip",
        _ => null,
    };
}
