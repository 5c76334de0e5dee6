using Amesh.Apisix;
using Envoy.Type.Matcher.V3;
using Google.Protobuf.Collections;
using Provider = Envoy.Extensions.Filters.Http.JwtAuthn.V3.JwtProvider;

namespace Amesh.Translation.Filters.Jwt;

/// <summary>A provider of tokens.</summary>
internal static class JwtProviders
{
    public static JwtProvider Translate(string filter, string name, Provider provider, JwtKeys keys, DiagnosticScope diagnostics)
    {
        bool hasPlaces = provider.FromHeaders.Count + provider.FromParams.Count + provider.FromCookies.Count > 0;
        var result = new JwtProvider(name)
        {
            Issuer = Text(provider.Issuer),
            Audiences = List(provider.Audiences),
            Subjects = provider.Subjects is null ? null : Subjects(provider.Subjects, diagnostics.At("subjects")),
            RequireExpiration = provider.RequireExpiration ? true : null,
            MaxLifetime = provider.MaxLifetime is null ? null : Durations.Seconds(provider.MaxLifetime),
            ClockSkewSeconds = provider.ClockSkewSeconds == 0 ? null : provider.ClockSkewSeconds,
            FromHeaders = !hasPlaces || provider.FromHeaders.Count == 0 ? null
                : [.. provider.FromHeaders.Select(header => new JwtHeader(header.Name.ToLowerInvariant(), Text(header.ValuePrefix)))],
            FromParams = List(provider.FromParams),
            FromCookies = List(provider.FromCookies),
            Forward = provider.Forward ? true : null,
            ForwardPayloadHeader = Text(provider.ForwardPayloadHeader.ToLowerInvariant()),
            PadForwardPayloadHeader = provider.PadForwardPayloadHeader ? true : null,
            ClaimToHeaders = provider.ClaimToHeaders.Count == 0 ? null
                : [.. provider.ClaimToHeaders.Select(claim => new JwtClaimHeader(claim.HeaderName.ToLowerInvariant(), claim.ClaimName))],
            PayloadInMetadata = Text(provider.PayloadInMetadata),
            SpaceDelimitedClaims = List(provider.NormalizePayloadInMetadata?.SpaceDelimitedClaims),
            HeaderInMetadata = Text(provider.HeaderInMetadata),
            FailedStatusInMetadata = Text(provider.FailedStatusInMetadata),
            ClearRouteCache = provider.ClearRouteCache ? true : null,
        };

        return provider.JwksSourceSpecifierCase switch
        {
            Provider.JwksSourceSpecifierOneofCase.LocalJwks => keys.Local(result, filter, provider.LocalJwks, diagnostics.At("local_jwks")),
            Provider.JwksSourceSpecifierOneofCase.RemoteJwks => result with { Remote = keys.Remote(provider.RemoteJwks, diagnostics.At("remote_jwks")) },
            _ => WithoutKeys(result, diagnostics),
        };
    }

    private static JwtProvider WithoutKeys(JwtProvider provider, DiagnosticScope diagnostics)
    {
        diagnostics.Refused("jwks_source_specifier", "it has no keys; its tokens are refused");
        return provider;
    }

    private static StringMatch Subjects(StringMatcher matcher, DiagnosticScope diagnostics)
    {
        if (StringMatches.Of(matcher) is { } match)
        {
            return match;
        }

        diagnostics.Refused("", "a comparison that cannot be made holds for no token");
        return new StringMatch();
    }

    private static string? Text(string value) => value.Length == 0 ? null : value;

    private static IReadOnlyList<string>? List(RepeatedField<string>? values) => values is null or { Count: 0 } ? null : [.. values];
}
