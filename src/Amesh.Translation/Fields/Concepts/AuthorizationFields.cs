using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>Access control by others than the proxy itself, and what filters leave for it.</summary>
internal static class AuthorizationFields
{
    private static readonly FieldTreatment _notYet = NotYet("access control is not translated yet; requests are NOT checked");

    public static Concept Concept { get; } = new("Access control by others",
    [
        new("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", _notYet),
        new("envoy.extensions.filters.http.ext_authz.v3.HttpService", _notYet),
        new("envoy.extensions.filters.http.ext_authz.v3.AuthorizationResponse", _notYet),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config", _notYet),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config.Rule", _notYet),
        new("envoy.extensions.filters.http.header_to_metadata.v3.Config.KeyValuePair", _notYet),
        new("envoy.extensions.common.matching.v3.ExtensionWithMatcher", NotYet("filters that run on a match alone are not translated yet")),
        new("envoy.type.matcher.v3.ListStringMatcher", _notYet),
    ]);
}
