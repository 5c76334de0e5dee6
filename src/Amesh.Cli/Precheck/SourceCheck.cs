using System.Runtime.InteropServices;
using Amesh.Xds;
using Amesh.Xds.Sources;
using YamlDotNet.RepresentationModel;

namespace Amesh.Cli.Precheck;

/// <summary>The library knows where its configuration comes from and who the proxy is.</summary>
internal static class SourceCheck
{
    private static readonly string[] FileOptions = ["bootstrap", "ca", "cert", "key", "objects"];

    /// <summary>What plugin_attr.amesh may have: for the library (StartOptions), and for the Lua side (library.lua).</summary>
    internal static readonly string[] Options =
    [
        "source", "protocol", "node", "bootstrap", "log_level", "server_name", "ca", "cert", "key", "headers", "environment", "sds", "state_file",
        "library", "drain_time", "poll_interval", "fallback_router", "listen_ports", "targets", "transparent", "system_ca", "objects",
    ];

    private static readonly string[] Identity = ["POD_NAME", "POD_NAMESPACE", "INSTANCE_IP"];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        HashSet<string> variables = [.. (configuration.List("nginx_config", "envs") ?? []).Select(static one => one.Split('=')[0])];
        return [Source(apisix, variables), .. Values(apisix), Node(configuration, variables), .. Hidden(variables)];
    }

    private static Finding Source(ApisixInstallation apisix, HashSet<string> variables)
    {
        const string Subject = "source";
        const string Cure = "plugin_attr:\n  amesh:\n    source: grpc://istiod.istio-system.svc:15010";
        string? text = apisix.Configuration.Text("plugin_attr", "amesh", "source");
        if (text is null)
        {
            if (!variables.Contains("AMESH_SOURCE"))
            {
                return Finding.Wrong(Subject, "plugin_attr.amesh.source is not set, and nginx hides AMESH_SOURCE from its processes", Cure + "\nor\nnginx_config:\n  envs:\n    - AMESH_SOURCE");
            }

            text = Environment.GetEnvironmentVariable("AMESH_SOURCE");
            if (string.IsNullOrEmpty(text))
            {
                return Finding.Note(Subject, "comes from AMESH_SOURCE, which is not set here; it must be where APISIX is started");
            }
        }

        try
        {
            SourceAddress address = SourceAddress.Parse(text);
            return address.Kind != SourceKind.ControlPlane && !Directory.Exists(apisix.FullPath(address.Path))
                ? Finding.Wrong(Subject, $"{text}: there is no such folder", Cure)
                : address.Uri is { Scheme: "unix" } socket && !File.Exists(socket.LocalPath) ? Finding.Note(Subject, $"{text}: there is no such socket now")
                : address.Uri?.Scheme == "https" && !HasTls() ? Finding.Wrong(Subject, $"{text} needs OpenSSL 3 or 1.1, which is not on this machine", "install libssl (Debian: libssl3)")
                : Finding.Ok(Subject, text);
        }
        catch (SourceException e)
        {
            return Finding.Wrong(Subject, e.Message, Cure);
        }
    }

    private static bool HasTls() => NativeLibrary.TryLoad("libssl.so.3", out _) || NativeLibrary.TryLoad("libssl.so.1.1", out _);

    private static IEnumerable<Finding> Values(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        foreach (string name in configuration.Names("plugin_attr", "amesh").Except(Options))
        {
            yield return Finding.Wrong("plugin_attr.amesh", $"'{name}' is no option: the library does not start", $"there are {string.Join(", ", Options)}");
        }

        if (configuration.Text("plugin_attr", "amesh", "protocol") is { } protocol && protocol is not ("delta" or "sotw"))
        {
            yield return Finding.Wrong("plugin_attr.amesh.protocol", $"'{protocol}' is none", "delta or sotw");
        }

        if (configuration.Text("plugin_attr", "amesh", "log_level") is { } level && level is not ("debug" or "info" or "notice" or "warn" or "error"))
        {
            yield return Finding.Wrong("plugin_attr.amesh.log_level", $"'{level}' is none", "debug, info, notice, warn or error");
        }

        foreach (string name in (string[])["node", "headers", "environment"])
        {
            if (configuration.Node("plugin_attr", "amesh", name) is not (null or YamlMappingNode))
            {
                yield return Finding.Wrong($"plugin_attr.amesh.{name}", "is no mapping: the library does not start", $"plugin_attr:\n  amesh:\n    {name}:\n      {(name == "node" ? "id: NAME" : "NAME: VALUE")}");
            }
        }

        foreach (string name in FileOptions)
        {
            if (configuration.Text("plugin_attr", "amesh", name) is { } file && !File.Exists(apisix.FullPath(file)))
            {
                yield return Finding.Wrong($"plugin_attr.amesh.{name}", $"{file} is not there", "give the path of a file");
            }
        }
    }

    private static Finding Node(ApisixConfiguration configuration, HashSet<string> variables)
    {
        const string Subject = "node";
        if (configuration.Node("plugin_attr", "amesh", "node") is not null || configuration.Text("plugin_attr", "amesh", "bootstrap") is not null)
        {
            return Finding.Ok(Subject, "from plugin_attr.amesh");
        }

        string[] hidden = [.. Identity.Where(name => !variables.Contains(name))];
        return hidden.Length == 0 || (variables.Contains("AMESH_BOOTSTRAP") && Environment.GetEnvironmentVariable("AMESH_BOOTSTRAP") is { Length: > 0 })
            ? Finding.Ok(Subject, "from the environment of APISIX")
            : Finding.Note(Subject, $"nginx hides {string.Join(", ", hidden)} from the library, so the control plane may not know who this is",
                "nginx_config:\n  envs:\n" + string.Join("\n", hidden.Select(static name => $"    - {name}")));
    }

    private static IEnumerable<Finding> Hidden(HashSet<string> variables) =>
        from string name in Environment.GetEnvironmentVariables().Keys
        where (name.StartsWith("AMESH_", StringComparison.Ordinal) || name.StartsWith("ISTIO_META", StringComparison.Ordinal)) && !variables.Contains(name)
        orderby name
        select Finding.Note("nginx_config.envs", $"{name} is set here, and nginx hides it from the library", $"nginx_config:\n  envs:\n    - {name}");
}
