namespace Amesh.Cli.Precheck;

/// <summary>The plugin is on, and what it needs of nginx is there.</summary>
internal static class PluginCheck
{
    private const string Snippet = "nginx_config.http_server_configuration_snippet";

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        IReadOnlyList<string>? plugins = configuration.List("plugins");
        yield return plugins?.Contains("amesh") == true
            ? Finding.Ok("plugins", "amesh is among them")
            : Finding.Wrong("plugins", plugins is null ? "there is no list, so APISIX takes its own, in which amesh is not" : "amesh is not among them: every route of the mesh is refused",
                "plugins:\n  - amesh          # and whatever else is wanted: the list takes the place of APISIX's own");
        yield return Locations(apisix);
    }

    private static Finding Locations(ApisixInstallation apisix)
    {
        const string Cure = "nginx_config:\n  http_server_configuration_snippet: |\n    include /usr/local/amesh/apisix-patch/amesh-locations.conf;";
        if (apisix.Configuration.Text("nginx_config", "http_server_configuration_snippet") is not { } snippet)
        {
            return Finding.Wrong(Snippet, "is not set: requests of the mesh have no location to go on in", Cure);
        }

        if (snippet.Contains("location @amesh ", StringComparison.Ordinal))
        {
            return Finding.Ok(Snippet, "has Amesh's locations");
        }

        var files = snippet.Split('\n', StringSplitOptions.TrimEntries).Where(line => line.StartsWith("include ", StringComparison.Ordinal))
            .Select(line => line["include ".Length..].TrimEnd(';', ' ').Trim('"', '\'', ' ')).ToList();
        string? named = files.FirstOrDefault(file => file.EndsWith("amesh-locations.conf", StringComparison.Ordinal));
        if (named is null)
        {
            return Finding.Wrong(Snippet, "does not include amesh-locations.conf", Cure);
        }

        // nginx reads what is included relative to its configuration file
        string path = Path.GetFullPath(named, Path.Combine(apisix.Home, "conf"));
        return !File.Exists(path) ? Finding.Wrong(Snippet, $"{path} is not there: nginx will not start", Cure)
            : File.ReadAllText(path).Contains("location @amesh ", StringComparison.Ordinal) ? Finding.Ok(Snippet, $"includes {path}")
            : Finding.Wrong(Snippet, $"{path} is not Amesh's", Cure);
    }
}
