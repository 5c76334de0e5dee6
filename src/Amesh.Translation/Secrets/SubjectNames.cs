using Amesh.Apisix;
using Amesh.Translation.Expressions;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.Matcher.V3;
using SanType = Envoy.Extensions.TransportSockets.Tls.V3.SubjectAltNameMatcher.Types.SanType;

namespace Amesh.Translation.Secrets;

/// <summary>Which names a peer's certificate must have one of.</summary>
internal static class SubjectNames
{
    public static IReadOnlyList<SubjectNameMatch>? Translate(CertificateValidationContext validation, DiagnosticScope diagnostics)
    {
        var matches = new List<SubjectNameMatch>();
        for (int i = 0; i < validation.MatchTypedSubjectAltNames.Count; i++)
        {
            SubjectAltNameMatcher matcher = validation.MatchTypedSubjectAltNames[i];
            string? type = matcher.SanType switch
            {
                SanType.Uri => "uri",
                SanType.Dns => "dns",
                SanType.Email => "email",
                SanType.IpAddress => "ip",
                _ => null,
            };
            DiagnosticScope at = diagnostics.At($"match_typed_subject_alt_names[{i}]");
            if (type is null)
            {
                // A name that is never there: without it, fewer peers are taken, never more.
                at.Refused("san_type", "names of this kind are not compared; no certificate has it");
            }

            matches.Add(Match(type ?? "none", matcher.Matcher, at));
        }

        for (int i = 0; i < validation.MatchSubjectAltNames.Count; i++)
        {
            matches.Add(Match("any", validation.MatchSubjectAltNames[i], diagnostics.At($"match_subject_alt_names[{i}]")));
        }

        return matches.Count == 0 ? null : matches;
    }

    private static SubjectNameMatch Match(string type, StringMatcher? matcher, DiagnosticScope diagnostics)
    {
        bool? ignoreCase = matcher?.IgnoreCase == true ? true : null;
        switch (matcher?.MatchPatternCase)
        {
            case StringMatcher.MatchPatternOneofCase.Exact:
                return new SubjectNameMatch { Type = type, Exact = matcher.Exact, IgnoreCase = ignoreCase };
            case StringMatcher.MatchPatternOneofCase.Prefix:
                return new SubjectNameMatch { Type = type, Prefix = matcher.Prefix, IgnoreCase = ignoreCase };
            case StringMatcher.MatchPatternOneofCase.Suffix:
                return new SubjectNameMatch { Type = type, Suffix = matcher.Suffix, IgnoreCase = ignoreCase };
            case StringMatcher.MatchPatternOneofCase.Contains:
                return new SubjectNameMatch { Type = type, Contains = matcher.Contains, IgnoreCase = ignoreCase };
            case StringMatcher.MatchPatternOneofCase.SafeRegex when Regexes.Whole(matcher.SafeRegex.Regex) is { } pattern:
                return new SubjectNameMatch { Type = type, Regex = pattern };
            default:
                diagnostics.Refused("matcher", "this kind of comparison is unknown; no certificate holds against it");
                return new SubjectNameMatch { Type = "none", Exact = "" };
        }
    }
}
