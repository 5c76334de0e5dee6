using Amesh.Apisix;
using Amesh.Translation.Listeners;
using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using PermissionCase = Envoy.Config.Rbac.V3.Permission.RuleOneofCase;
using PrincipalCase = Envoy.Config.Rbac.V3.Principal.IdentifierOneofCase;

namespace Amesh.Translation.Filters.Rbac;

/// <summary>
/// Envoy's permissions and principals. One that cannot be translated is told, and is there all the same: as something that nobody
/// can tell, by which nobody gets through.
/// </summary>
internal static class AccessMatches
{
    // What the filters say of themselves in Istio's meshes: the client's URI names, where the connection's TLS ends here.
    private const string PeerPrincipal = "io.istio.peer_principal";
    private const int PortEnd = 65536;

    public static AccessMatch Of(Permission permission, DiagnosticScope diagnostics) => permission.RuleCase switch
    {
        PermissionCase.AndRules when permission.AndRules.Rules.Count > 0 =>
            new AccessMatch { And = [.. permission.AndRules.Rules.Select((rule, i) => Of(rule, diagnostics.At($"and_rules.rules[{i}]")))] },
        PermissionCase.OrRules when permission.OrRules.Rules.Count > 0 =>
            new AccessMatch { Or = [.. permission.OrRules.Rules.Select((rule, i) => Of(rule, diagnostics.At($"or_rules.rules[{i}]")))] },
        PermissionCase.NotRule => new AccessMatch { Not = Of(permission.NotRule, diagnostics.At("not_rule")) },
        PermissionCase.Any when permission.Any => new AccessMatch { Any = true },
        PermissionCase.Header => HeaderMatches.Of(permission.Header) ?? Unknown("header", diagnostics),
        PermissionCase.UrlPath => StringMatches.Of(permission.UrlPath.Path) is { } path ? new AccessMatch { Path = path } : Unknown("url_path", diagnostics),
        PermissionCase.UriTemplate => Template(permission.UriTemplate) is { } regex
            ? new AccessMatch { Path = new StringMatch { Regex = regex } }
            : Unknown("uri_template", diagnostics),
        PermissionCase.DestinationIp => Prefixes.Text(permission.DestinationIp) is { } range
            ? new AccessMatch { TargetIp = [range] }
            : Unknown("destination_ip", diagnostics),
        PermissionCase.DestinationPort => new AccessMatch { TargetPort = [permission.DestinationPort, permission.DestinationPort + 1L] },
        PermissionCase.DestinationPortRange when permission.DestinationPortRange is { Start: >= 0, End: <= PortEnd } range && range.Start < range.End =>
            new AccessMatch { TargetPort = [range.Start, range.End] },
        PermissionCase.Metadata => MetadataMatches.Of(permission.Metadata) is { } metadata
            ? new AccessMatch { Metadata = metadata }
            : Unknown("metadata", diagnostics),
        PermissionCase.RequestedServerName => StringMatches.Of(permission.RequestedServerName) is { } name
            ? new AccessMatch { ServerName = name }
            : Unknown("requested_server_name", diagnostics),
        _ => Unknown(permission.RuleCase.ToString(), diagnostics),
    };

    public static AccessMatch Of(Principal principal, DiagnosticScope diagnostics) => principal.IdentifierCase switch
    {
        PrincipalCase.AndIds when principal.AndIds.Ids.Count > 0 =>
            new AccessMatch { And = [.. principal.AndIds.Ids.Select((id, i) => Of(id, diagnostics.At($"and_ids.ids[{i}]")))] },
        PrincipalCase.OrIds when principal.OrIds.Ids.Count > 0 =>
            new AccessMatch { Or = [.. principal.OrIds.Ids.Select((id, i) => Of(id, diagnostics.At($"or_ids.ids[{i}]")))] },
        PrincipalCase.NotId => new AccessMatch { Not = Of(principal.NotId, diagnostics.At("not_id")) },
        PrincipalCase.Any when principal.Any => new AccessMatch { Any = true },
        PrincipalCase.Authenticated when principal.Authenticated.PrincipalName is null => new AccessMatch { Tls = true },
        PrincipalCase.Authenticated => StringMatches.Of(principal.Authenticated.PrincipalName) is { } name
            ? new AccessMatch { Principal = name }
            : Unknown("authenticated.principal_name", diagnostics),
        PrincipalCase.SourceIp => Address(principal.SourceIp, range => new AccessMatch { DirectIp = [range] }, "source_ip", diagnostics),
        PrincipalCase.DirectRemoteIp => Address(principal.DirectRemoteIp, range => new AccessMatch { DirectIp = [range] }, "direct_remote_ip", diagnostics),
        PrincipalCase.RemoteIp => Address(principal.RemoteIp, range => new AccessMatch { RemoteIp = [range] }, "remote_ip", diagnostics),
        PrincipalCase.Header => HeaderMatches.Of(principal.Header) ?? Unknown("header", diagnostics),
        PrincipalCase.UrlPath => StringMatches.Of(principal.UrlPath.Path) is { } path ? new AccessMatch { Path = path } : Unknown("url_path", diagnostics),
        PrincipalCase.Metadata => MetadataMatches.Of(principal.Metadata) is { } metadata
            ? new AccessMatch { Metadata = metadata }
            : Unknown("metadata", diagnostics),
        PrincipalCase.FilterState => principal.FilterState.Key == PeerPrincipal && StringMatches.Of(principal.FilterState.StringMatch) is { } uris
            ? new AccessMatch { PeerUris = uris }
            : Unknown("filter_state", diagnostics),
        _ => Unknown(principal.IdentifierCase.ToString(), diagnostics),
    };

    /// <summary>What stands for a condition that cannot be translated.</summary>
    public static AccessMatch Unknown(string field, DiagnosticScope diagnostics)
    {
        string what = field == "None" ? "" : field;
        diagnostics.Refused(what, "this cannot be told here; where it would decide, nobody gets through");
        return new AccessMatch { Unknown = what.Length == 0 ? "a condition of an unknown kind" : what };
    }

    private static AccessMatch Address(CidrRange range, Func<string, AccessMatch> match, string field, DiagnosticScope diagnostics) =>
        Prefixes.Text(range) is { } text ? match(text) : Unknown(field, diagnostics);

    private static string? Template(TypedExtensionConfig template) =>
        template.TypedConfig?.Is(UriTemplateMatchConfig.Descriptor) == true
            ? UriTemplates.ToRegex(template.TypedConfig.Unpack<UriTemplateMatchConfig>().PathTemplate)
            : null;
}
