using YamlDotNet.RepresentationModel;

namespace Amesh.Cli.Precheck;

/// <summary>Settings that stand where nobody reads them, one level too high or too deep, or that are no lists where APISIX wants lists.</summary>
internal static class PlaceCheck
{
    private static readonly string[][] Places =
    [
        ["deployment", "role_data_plane", "config_provider"],
        ["apisix", "extra_lua_path"],
        ["apisix", "extra_lua_cpath"],
        ["apisix", "router"],
        ["apisix", "proxy_mode"],
        ["apisix", "stream_proxy"],
        ["apisix", "node_listen"],
        ["plugins"],
        ["stream_plugins"],
        ["plugin_attr", "amesh"],
        ["nginx_config", "envs"],
        ["nginx_config", "stream_configuration_snippet"],
        ["nginx_config", "http_server_configuration_snippet"],
        ["nginx_config", "http", "custom_lua_shared_dict"],
        ["nginx_config", "http", "custom_lua_shared_dict", "xds-config"],
        ["nginx_config", "http", "custom_lua_shared_dict", "xds-config-version"],
        ["nginx_config", "http", "custom_lua_shared_dict", "amesh-outliers"],
        ["nginx_config", "http", "custom_lua_shared_dict", "amesh-circuits"],
        .. SourceCheck.Options.Select(static name => new[] { "plugin_attr", "amesh", name }),
    ];

    private static readonly string[][] Lists = [["plugins"], ["stream_plugins"], ["nginx_config", "envs"]];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        foreach (string[] place in Lists)
        {
            if (apisix.Configuration.Node(place) is not (null or YamlSequenceNode))
            {
                yield return Finding.Wrong(string.Join('.', place), "is no list: APISIX does not start", $"{place[^1]}:\n  - {(place[^1] == "envs" ? "AMESH_SOURCE" : "amesh")}");
            }
        }

        var told = new List<IReadOnlyList<string>>();
        foreach (string[] place in Places)
        {
            // names as short as an option's are known by their parent, too
            bool common = place is ["plugin_attr", "amesh", _];
            if (apisix.Configuration.Node(place) is null
                && apisix.Configuration.Find(place[^1]).FirstOrDefault(found => !IsOfAnotherRole(found.Path) && (!common || found.Path is ["plugin_attr", _] or ["amesh", _])) is { Path.Count: > 0 } elsewhere
                && !told.Exists(above => elsewhere.Path.Take(above.Count).SequenceEqual(above)))
            {
                told.Add(elsewhere.Path);
                yield return Finding.Wrong(string.Join('.', elsewhere.Path), $"line {elsewhere.Line}: nobody reads it there", $"it belongs to {Written(place)}\nas in apisix-patch/config.yaml: the indentation says what belongs to what");
            }
        }
    }

    // each role has its own
    private static bool IsOfAnotherRole(IReadOnlyList<string> path) => path is ["deployment", "role_traditional" or "role_control_plane", ..];

    private static string Written(string[] place) => place.Length > 1 ? string.Join('.', place[..^1]) + ": " + place[^1] : "the left margin: " + place[0];
}
