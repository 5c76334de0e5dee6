namespace Amesh.Cli.Precheck;

/// <summary>APISIX takes its configuration from the provider that is Amesh's, and its router and plugin are found.</summary>
internal static class ProviderCheck
{
    private static readonly string[] Files =
    [
        "apisix/core/config_xds.lua", "apisix/amesh/library.lua", "apisix/amesh/zone.lua", "apisix/http/router/amesh.lua", "apisix/plugins/amesh.lua",
        "apisix/balancer/amesh_least_request.lua",
    ];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        yield return Version(apisix);
        foreach (string name in apisix.Configuration.UnsetVariables)
        {
            yield return Finding.Wrong("config.yaml", $"${{{{{name}}}}} has no value here and no default", $"set {name} in the environment of APISIX, or write ${{{{{name}:=value}}}}");
        }

        ApisixConfiguration configuration = apisix.Configuration;
        string? role = configuration.Text("deployment", "role");
        string? provider = configuration.Text("deployment", "role_data_plane", "config_provider");
        yield return role == "data_plane" && provider == "xds"
            ? Finding.Ok("deployment", "role data_plane, config_provider xds")
            : Finding.Wrong("deployment", $"role is {role ?? "not set"}, role_data_plane.config_provider is {provider ?? "not set"}: APISIX does not ask Amesh for its configuration",
                "deployment:\n  role: data_plane\n  role_data_plane:\n    config_provider: xds");
        yield return LuaFiles(apisix);
        yield return configuration.Text("apisix", "router", "http") is { } router && router == "amesh"
            ? Finding.Ok("apisix.router.http", "amesh")
            : Finding.Wrong("apisix.router.http", $"is {configuration.Text("apisix", "router", "http") ?? "not set"}: virtual hosts are not found as Envoy finds them", "apisix:\n  router:\n    http: amesh");
        if (configuration.Text("apisix", "router", "ssl") != "amesh" && configuration.Text("apisix", "ssl", "enable") != "false")
        {
            yield return Finding.Note("apisix.router.ssl", $"is {configuration.Text("apisix", "router", "ssl") ?? "not set"}: TLS that the mesh ends here gets no certificate", "apisix:\n  router:\n    ssl: amesh");
        }

        foreach (Finding finding in Paths(configuration))
        {
            yield return finding;
        }
    }

    private static Finding Version(ApisixInstallation apisix) => apisix.Version switch
    {
        null => Finding.Note("APISIX", $"its files are not in {apisix.Home}, so its version is not known; Amesh is tried with 3.18, 3.14.1 and 3.9.1"),
        ['3', '.', ..] version => Finding.Ok("APISIX", version),
        { } version => Finding.Wrong("APISIX", $"version {version}", "Amesh needs APISIX 3; tried are 3.18, 3.14.1 and 3.9.1"),
    };

    private static Finding LuaFiles(ApisixInstallation apisix)
    {
        const string Setting = "apisix.extra_lua_path";
        string? given = apisix.Configuration.Text("apisix", "extra_lua_path");
        string cure = "apisix:\n  extra_lua_path: /usr/local/amesh/lua/?.lua     # the folder lua/ of Amesh";
        if (given is null)
        {
            return Finding.Wrong(Setting, "is not set: APISIX loads its own provider, which does not work with Amesh's library", cure);
        }

        string? missing = Files.FirstOrDefault(file => apisix.FindLua(file) is null);
        if (missing is not null)
        {
            return Finding.Wrong(Setting, $"{given} does not lead to {missing}", cure);
        }

        string found = apisix.FindLua(Files[0])!;
        return File.ReadAllText(found).Contains("apisix.amesh.zone", StringComparison.Ordinal)
            ? Finding.Ok(Setting, found)
            : Finding.Wrong(Setting, $"finds {found} first, which is not Amesh's", "put the folder lua/ of Amesh before the others");
    }

    private static IEnumerable<Finding> Paths(ApisixConfiguration configuration)
    {
        foreach (string setting in new[] { "normalize_uri_like_servlet", "delete_uri_tail_slash" })
        {
            if (configuration.Text("apisix", setting) == "true")
            {
                yield return Finding.Note($"apisix.{setting}", "is true: paths are changed before the mesh's routes see them", $"apisix:\n  {setting}: false");
            }
        }
    }
}
