using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>What carries resources: xDS responses.</summary>
internal static class DiscoveryFields
{
    public static Concept Concept { get; } = new("Discovery",
    [
        new("envoy.service.discovery.v3.DiscoveryResponse")
        {
            { "version_info resources type_url nonce", Exact("", "acknowledged as a whole, or refused with the reason") },
            { "canary", Inert("Envoy ignores it, too") },
            { "control_plane", Inert("who sent it") },
        },
        new("envoy.service.discovery.v3.DeltaDiscoveryResponse")
        {
            { "system_version_info", Inert("for people") },
            { "resources type_url nonce removed_resources", Exact("") },
            { "control_plane", Inert("who sent it") },
        },
        new("envoy.service.discovery.v3.Resource")
        {
            { "name version resource", Exact("") },
        },
        new("envoy.config.core.v3.ControlPlane", Inert("who sent it")),
        new("envoy.config.core.v3.ConfigSource")
        {
            { "ads", Exact("", "everything comes over the one aggregated stream") },
            { "resource_api_version", Inert("there is no other version than 3") },
            { "initial_fetch_timeout", Exact("", "new versions of clusters and listeners wait so long for what they name; a first start waits for all of it, 15 seconds") },
            { "api_config_source path path_config_source", NotYet("another source than the aggregated stream is not asked") },
        },
        new("envoy.config.core.v3.ApiConfigSource", NotYet("another source than the aggregated stream is not asked")),
    ]);
}
