using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Who may do what: Envoy's RBAC.</summary>
internal static class AccessFields
{
    private const string Http = "listeners.chains[].http.filters";
    private const string Both = "listeners.chains[].http.filters, network_filters";
    private const string Closed = "nobody can tell; where it would decide, nobody gets through";

    private static readonly FieldTreatment _exact = Exact(Both);

    public static Concept Concept { get; } = new("Access control",
    [
        new("envoy.extensions.filters.http.rbac.v3.RBAC")
        {
            { "rules matcher", Exact(Http) },
            { "shadow_rules shadow_matcher shadow_rules_stat_prefix", Near(Http + "[].shadow", "they refuse nothing; there is metadata of them for other filters, but no statistics") },
            { "rules_stat_prefix track_per_rule_stats", Inert("statistics alone") },
        },
        new("envoy.extensions.filters.http.rbac.v3.RBACPerRoute")
        {
            { "rbac", Exact("plugins.amesh filters") },
        },
        new("envoy.extensions.filters.network.rbac.v3.RBAC")
        {
            { "rules matcher", Exact("listeners.chains[].network_filters", "decided when the connection begins; in HTTP again for each request") },
            { "shadow_rules shadow_matcher shadow_rules_stat_prefix", Near("listeners.chains[].network_filters[].shadow", "they refuse nothing; there is metadata of them for other filters, but no statistics") },
            { "enforcement_type", Inert("what it decides by does not change in a connection") },
            { "stat_prefix", Inert("statistics alone") },
        },
        new("envoy.config.rbac.v3.RBAC")
        {
            { "action policies", _exact },
        },
        new("envoy.config.rbac.v3.Policy")
        {
            { "permissions principals", _exact },
        },
        new("envoy.config.rbac.v3.Permission")
        {
            { "and_rules or_rules not_rule any header url_path destination_ip destination_port destination_port_range requested_server_name", _exact },
            { "metadata", Exact(Http, "of what JWT, RBAC and ext_authz filters leave; of others nobody can tell, and nobody gets through where it would decide") },
            { "uri_template", Exact(Http, "as an expression") },
            { "matcher", Refused(Closed) },
        },
        new("envoy.config.rbac.v3.Permission.Set", _exact),
        new("envoy.config.rbac.v3.Principal")
        {
            { "and_ids or_ids not_id any authenticated direct_remote_ip remote_ip header url_path", _exact },
            { "source_ip", Exact(Both, "the PROXY protocol is not read") },
            { "metadata", Exact(Http, "of what JWT, RBAC and ext_authz filters leave; of others nobody can tell, and nobody gets through where it would decide") },
            { "filter_state", Near(Both, "io.istio.peer_principal is the URI names of the client's certificate; with others nobody can tell, and nobody gets through where it would decide") },
        },
        new("envoy.config.rbac.v3.Principal.Set", _exact),
        new("envoy.config.rbac.v3.Principal.Authenticated", _exact),
        new("envoy.config.rbac.v3.Action", _exact),
        new("xds.type.matcher.v3.Matcher", _exact),
        new("xds.type.matcher.v3.Matcher.OnMatch", _exact),
        new("xds.type.matcher.v3.Matcher.MatcherList", _exact),
        new("xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher", _exact),
        new("xds.type.matcher.v3.Matcher.MatcherList.Predicate", _exact),
        new("xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList", _exact),
        new("xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate")
        {
            { "input value_match", _exact },
            { "custom_match", Refused(Closed) },
        },
        new("xds.type.matcher.v3.Matcher.MatcherTree")
        {
            { "input exact_match_map prefix_match_map", _exact },
            { "custom_match", Refused(Closed) },
        },
        new("xds.type.matcher.v3.Matcher.MatcherTree.MatchMap", _exact),
        new("xds.type.matcher.v3.StringMatcher", _exact),
        new("xds.type.matcher.v3.RegexMatcher", _exact),
        new("xds.type.matcher.v3.RegexMatcher.GoogleRE2", Inert("a limit on what the control plane may send")),
        new("envoy.type.matcher.v3.MetadataMatcher", _exact),
        new("envoy.type.matcher.v3.MetadataMatcher.PathSegment", _exact),
        new("envoy.type.matcher.v3.ValueMatcher", _exact),
        new("envoy.type.matcher.v3.ValueMatcher.NullMatch", _exact),
        new("envoy.type.matcher.v3.DoubleMatcher", _exact),
        new("envoy.type.v3.DoubleRange", _exact),
        new("envoy.type.matcher.v3.OrMatcher", _exact),
        new("envoy.type.matcher.v3.ListMatcher", _exact),
        new("envoy.type.matcher.v3.PathMatcher", _exact),
        new("envoy.type.matcher.v3.FilterStateMatcher", _exact),
        new("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", _exact),
        new("envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", Exact(Http, "as an expression")),
    ]);
}
