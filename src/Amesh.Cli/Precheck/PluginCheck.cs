namespace Amesh.Cli.Precheck;

/// <summary>The plugin is on, and what it needs of nginx is there.</summary>
internal static class PluginCheck
{
    private const string Setting = "nginx_config.http_server_configuration_snippet";

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        IReadOnlyList<string>? plugins = configuration.List("plugins");
        yield return plugins?.Contains("amesh") == true
            ? Finding.Ok("plugins", "amesh is among them")
            : Finding.Wrong("plugins", plugins is null ? "there is no list, so APISIX takes its own, in which amesh is not" : "amesh is not among them: every route of the mesh is refused",
                "plugins:\n  - amesh          # and whatever else is wanted: the list takes the place of APISIX's own");
        yield return Locations(apisix);
        if (apisix.Configuration.Text("nginx_config", "http_server_configuration_snippet") is { } snippet && !snippet.Contains("location @amesh_http2 ", StringComparison.Ordinal))
        {
            yield return Finding.Note(Setting, "has no location @amesh_http2: requests to endpoints that speak HTTP/2 (gRPC) fail", "take the setting over from apisix-patch/config.yaml");
        }
    }

    private static readonly string[] Needed = ["amesh-locations.conf", "amesh-proxy.conf"];

    private static Finding Locations(ApisixInstallation apisix)
    {
        const string Cure = "nginx_config:\n  http_server_configuration_snippet: |\n    include /usr/local/amesh/apisix-patch/amesh-locations.conf;\n"
            + "    location @amesh {\n        include /usr/local/amesh/apisix-patch/amesh-proxy.conf;\n"
            + "        include /usr/local/amesh/apisix-patch/amesh-upstream-tls.conf;     # needs OpenResty 1.29\n    }\nand the rest of it from apisix-patch/config.yaml";
        if (apisix.Configuration.Text("nginx_config", "http_server_configuration_snippet") is not { } snippet)
        {
            return Finding.Wrong(Setting, "is not set: requests of the mesh have no location to go on in", Cure);
        }

        List<string> files = [.. Snippet.Included(apisix, snippet)];
        return Needed.FirstOrDefault(name => !files.Exists(file => Path.GetFileName(file) == name)) is { } left ? Finding.Wrong(Setting, $"does not include {left}", Cure)
            : string.Join(", ", Snippet.Missing(apisix, snippet)) is { Length: > 0 } missing ? Finding.Wrong(Setting, $"not there, so that nginx will not start: {missing}", "give the folder apisix-patch/ of Amesh")
            : !snippet.Contains("location @amesh ", StringComparison.Ordinal) ? Finding.Wrong(Setting, "has no location @amesh", Cure)
            : Finding.Ok(Setting, $"includes {string.Join(", ", Needed)}");
    }
}
