namespace Amesh.Cli.Precheck;

/// <summary>A reload closes no kept connection under a request, where nginx can be told so.</summary>
internal static class ReloadCheck
{
    private const string Setting = "nginx_config.http_server_configuration_snippet";
    private const string File = "amesh-reload.conf";
    private const string Directive = "keepalive_min_timeout";

    /// <summary>Where the directive may stand.</summary>
    private static readonly string[] Places = ["http_server_configuration_snippet", "http_configuration_snippet"];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        NginxRuntime runtime = apisix.Runtime;
        string? place = Places.FirstOrDefault(one => apisix.Configuration.Text("nginx_config", one) is { } snippet && Asks(apisix, snippet));
        if (place is not null && !runtime.Keeps)
        {
            yield return Finding.Wrong("nginx_config." + place, $"includes {File} ({Directive}), which this nginx ({runtime.Name}) does not understand: it will not start",
                $"leave it out (a reload may then close a kept connection under a request), or take APISIX {NginxRuntime.FirstThatVerifies} (OpenResty 1.29)");
        }
        else if (place is null && !runtime.Keeps)
        {
            yield return Finding.Note("reload", $"this nginx ({runtime.Name}) closes kept connections at a reload, and one may just be bringing a request, which is lost", $"take APISIX {NginxRuntime.FirstThatVerifies} (OpenResty 1.29)");
        }
        else if (place is null && runtime.File is not null)
        {
            yield return Finding.Note(Setting, $"does not include {File}: a reload closes kept connections, and one may just be bringing a request, which is lost",
                $"nginx_config:\n  http_server_configuration_snippet: |\n    include /usr/local/amesh/apisix-patch/{File};");
        }
    }

    private static bool Asks(ApisixInstallation apisix, string snippet) =>
        Snippet.Included(apisix, snippet).Any(static path => Path.GetFileName(path) == File) || Snippet.Directives(snippet, Directive).Any();
}
