using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Access control.</summary>
internal static class AuthorizationFields
{
    private static readonly FieldTreatment _notYet = NotYet("access control is not translated yet; requests are NOT checked");

    public static Concept Concept { get; } = new("Access control",
    [
        new("envoy.extensions.filters.http.rbac.v3.RBAC", _notYet),
        new("envoy.extensions.filters.http.rbac.v3.RBACPerRoute", _notYet),
        new("envoy.extensions.filters.network.rbac.v3.RBAC", _notYet),
        new("envoy.config.rbac.v3.RBAC", _notYet),
        new("envoy.config.rbac.v3.Action", _notYet),
        new("envoy.config.rbac.v3.Policy", _notYet),
        new("envoy.config.rbac.v3.Permission", _notYet),
        new("envoy.config.rbac.v3.Permission.Set", _notYet),
        new("envoy.config.rbac.v3.Principal", _notYet),
        new("envoy.config.rbac.v3.Principal.Set", _notYet),
        new("envoy.config.rbac.v3.Principal.Authenticated", _notYet),
        new("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", _notYet),
        new("envoy.extensions.filters.http.ext_authz.v3.HttpService", _notYet),
        new("envoy.extensions.filters.http.ext_authz.v3.AuthorizationResponse", _notYet),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config", _notYet),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule", _notYet),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair", _notYet),
        new("envoy.extensions.common.matching.v3.ExtensionWithMatcher", NotYet("filters that run on a match alone are not translated yet")),
        new("xds.type.matcher.v3.Matcher", _notYet),
        new("xds.type.matcher.v3.Matcher.OnMatch", _notYet),
        new("xds.type.matcher.v3.Matcher.MatcherList", _notYet),
        new("xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher", _notYet),
        new("xds.type.matcher.v3.Matcher.MatcherList.Predicate", _notYet),
        new("xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate", _notYet),
        new("xds.type.matcher.v3.StringMatcher", _notYet),
        new("envoy.type.matcher.v3.MetadataMatcher", _notYet),
        new("envoy.type.matcher.v3.MetadataMatcher.PathSegment", _notYet),
        new("envoy.type.matcher.v3.ValueMatcher", _notYet),
        new("envoy.type.matcher.v3.OrMatcher", _notYet),
        new("envoy.type.matcher.v3.ListMatcher", _notYet),
        new("envoy.type.matcher.v3.ListStringMatcher", _notYet),
        new("envoy.type.matcher.v3.PathMatcher", _notYet),
    ]);
}
