using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Access control by others than the proxy itself, and what filters leave for it.</summary>
internal static class AuthorizationFields
{
    private const string Filter = "listeners.chains[].http.filters";

    private static readonly FieldTreatment _noFilter = NotYet("no filter that is translated reads it");

    public static Concept Concept { get; } = new("Access control by others",
    [
        new("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz")
        {
            { "grpc_service", Exact(Filter + "[].service", "one that is not envoy_grpc lets nobody through") },
            { "http_service", Exact(Filter + "[].service") },
            { "transport_api_version", Inert("v3 is all there is") },
            { "failure_mode_allow failure_mode_allow_header_add status_on_error", Exact(Filter) },
            { "with_request_body", Near(Filter + "[].body", "the service is asked when the whole body has come, also where it is shown a part") },
            { "clear_route_cache", Exact(Filter, "in front of fault and CORS filters, where control planes have it") },
            { "validate_mutations", Near("", "what no header can hold is encoded, and never refuses the request") },
            { "metadata_context_namespaces", Exact(Filter + "[].metadata_namespaces") },
            { "typed_metadata_context_namespaces route_metadata_context_namespaces route_typed_metadata_context_namespaces", NotYet("the service is not shown it") },
            { "filter_enabled deny_at_disable", Exact(Filter, "the default value counts: there is no runtime to ask") },
            { "filter_enabled_metadata", Exact(Filter + "[].when", "where nobody can tell whether it holds, the service is asked") },
            { "include_peer_certificate include_tls_session encode_raw_headers", Exact(Filter) },
            { "stat_prefix charge_cluster_response_stats", Inert("statistics alone") },
            { "bootstrap_metadata_labels_key", NotYet("the service is not shown the workload's labels") },
            { "allowed_headers disallowed_headers", Exact(Filter, "of disallowed_headers, a comparison that cannot be made lets nobody through") },
            { "enable_dynamic_metadata_ingestion", Exact(Filter + "[].ignore_metadata") },
        },
        new("envoy.extensions.filters.http.ext_authz.v3.BufferSettings") { { "max_request_bytes allow_partial_message pack_as_bytes", Exact(Filter + "[].body") } },
        new("envoy.extensions.filters.http.ext_authz.v3.HttpService")
        {
            { "server_uri", Exact(Filter + "[].service", "as in Envoy, its cluster and timeout count") },
            { "path_prefix authorization_request", Exact(Filter + "[].service") },
            { "authorization_response", Exact(Filter) },
        },
        new("envoy.extensions.filters.http.ext_authz.v3.AuthorizationRequest") { { "allowed_headers headers_to_add", Exact(Filter) } },
        new("envoy.extensions.filters.http.ext_authz.v3.AuthorizationResponse")
        {
            { "allowed_upstream_headers allowed_upstream_headers_to_append", Exact(Filter + "[].upstream_headers") },
            { "allowed_client_headers allowed_client_headers_on_success", Exact(Filter + "[].client_headers") },
            { "dynamic_metadata_from_headers", Exact(Filter + "[].metadata_headers") },
        },
        new("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute") { { "disabled check_settings", Exact("plugins.amesh filters") } },
        new("envoy.extensions.filters.http.ext_authz.v3.CheckSettings")
        {
            { "context_extensions", Near("plugins.amesh filters", "those of the most specific level count; Envoy joins the levels'") },
            { "disable_request_body_buffering with_request_body", Exact("plugins.amesh filters") },
        },
        new("envoy.config.core.v3.GrpcService")
        {
            { "envoy_grpc timeout initial_metadata", Exact(Filter + "[].service", "of ext_authz filters; nothing else that is translated calls anybody") },
            { "retry_policy", NotYet("a call is not tried again") },
        },
        new("envoy.config.core.v3.GrpcService.EnvoyGrpc")
        {
            { "cluster_name authority", Exact(Filter + "[].service") },
            { "retry_policy", NotYet("a call is not tried again") },
            { "max_receive_message_length", NotYet("an answer has up to a megabyte") },
            { "skip_envoy_headers", Inert("there are none") },
        },
        new("envoy.extensions.filters.network.ext_authz.v3.ExtAuthz")
        {
            { "grpc_service", Refused("no service is asked for connections; those that it would be asked for are closed") },
            { "failure_mode_allow", Exact("", "connections go on: it is as if no service could be had") },
            { "filter_enabled_metadata", Exact("listeners.chains[].network_filters[].when", "where nobody can tell whether it holds, the connection is closed") },
            { "transport_api_version", Inert("v3 is all there is") },
            { "stat_prefix", Inert("statistics alone") },
            { "include_peer_certificate bootstrap_metadata_labels_key include_tls_session", Inert("nobody is shown anything") },
        },
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config", _noFilter),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule", _noFilter),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair", _noFilter),
        new("envoy.extensions.common.matching.v3.ExtensionWithMatcher", NotYet("filters that run on a match alone are not translated yet")),
        new("envoy.type.matcher.v3.ListStringMatcher") { { "patterns", Exact("") } },
    ]);
}
