namespace Amesh.Cli.Precheck;

/// <summary>The nginx that APISIX runs on knows what is included in its configuration.</summary>
internal static class RuntimeCheck
{
    private const string Http = "http_server_configuration_snippet";
    private const string Stream = "stream_configuration_snippet";

    /// <summary>What each place includes to verify endpoints' certificates.</summary>
    private static readonly (string Setting, string File, string Where)[] Verifying =
        [(Http, "amesh-upstream-tls.conf", "location @amesh"), (Http, "amesh-http2-tls.conf", "location @amesh_http2"), (Stream, "amesh-upstream-tls.conf", "the servers for TCP")];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        NginxRuntime runtime = apisix.Runtime;
        yield return runtime.File is { } program ? Finding.Ok("nginx", $"{runtime.Name}, {program}")
            : Finding.Note("nginx", $"there is no openresty on the PATH; it is taken to be {runtime.Name}", "run this where APISIX runs, or give --openresty FILE");
        foreach (string setting in Verifying.Select(static one => one.Setting).Distinct())
        {
            if (apisix.Configuration.Text("nginx_config", setting) is { } snippet)
            {
                if (Snippet.Broken(snippet) is { } broken)
                {
                    yield return Finding.Wrong("nginx_config." + setting, broken + ": nginx will not start", "compare with apisix-patch/config.yaml");
                }

                HashSet<string?> included = [.. Snippet.Included(apisix, snippet).Select(Path.GetFileName)];
                string[] unknown = [.. Verifying.Where(one => one.Setting == setting && included.Contains(one.File)).Select(static one => one.File)];
                if (!runtime.Verifies && unknown.Length > 0)
                {
                    yield return Finding.Wrong("nginx_config." + setting, $"includes {string.Join(" and ", unknown)}, which this nginx ({runtime.Name}) does not understand: it will not start",
                        $"leave the includes out (requests to endpoints that speak TLS are then refused), or take APISIX {NginxRuntime.FirstThatVerifies} (OpenResty 1.29)");
                }

                if (setting == Http && !runtime.Verifies && !snippet.Contains("set $amesh_http2_backend ", StringComparison.Ordinal))
                {
                    yield return Finding.Note("nginx_config." + setting, $"this nginx ({runtime.Name}) mixes up kept connections of HTTP/1.1 and HTTP/2: requests to endpoints that speak HTTP/2 may fail",
                        "take http_configuration_snippet and `set $amesh_http2_backend` over from apisix-patch/config-http.yaml");
                }

                foreach ((_, string file, string where) in Verifying.Where(one => one.Setting == setting && !included.Contains(one.File) && runtime is { Verifies: true, File: not null }))
                {
                    yield return Finding.Note("nginx_config." + setting, $"does not include {file}: what goes to endpoints that speak TLS is refused", $"include /usr/local/amesh/apisix-patch/{file}; in {where}");
                }
            }
        }
    }
}
