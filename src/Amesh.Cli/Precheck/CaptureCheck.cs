using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Amesh.Cli.Precheck;

/// <summary>Where captured connections have to be sent, and whose must be let through.</summary>
internal static class CaptureCheck
{
    private const string Setting = "nginx_config.stream_configuration_snippet";
    private const string Both = "apisix:\n  proxy_mode: http&stream\n  stream_proxy: {}";

    private const string Servers = """
        nginx_config:
          stream_configuration_snippet: |
            server {
                listen 15001;
                include /usr/local/amesh/apisix-patch/amesh-capture.conf;
            }
            include /usr/local/amesh/apisix-patch/amesh-stream.conf;
            server {
                listen 127.0.0.1:15090;
                preread_by_lua_block { apisix.stream_preread_phase() }
                include /usr/local/amesh/apisix-patch/amesh-tcp.conf;
            }
        """;

    /// <summary>The first APISIX whose nginx hands connections from one listener to another (ngx_stream_pass_module).</summary>
    private static readonly Version FirstWithPass = new(3, 11);

    public static IEnumerable<Finding> Run(ApisixInstallation apisix) =>
        (apisix.Configuration.Text("apisix", "proxy_mode") ?? "http").Contains("stream", StringComparison.Ordinal) ? [.. Stream(apisix)] : [.. HttpOnly(apisix)];

    private static IEnumerable<Finding> HttpOnly(ApisixInstallation apisix)
    {
        yield return HasPass(apisix)
            ? Finding.Note("apisix.proxy_mode", "is http: TCP connections of the mesh, and TLS that is not ended here, are not served", Both + "\n" + Servers)
            : Finding.Note("apisix.proxy_mode", $"is http: TCP connections of the mesh, and TLS that is not ended here, need APISIX {FirstWithPass}");
        IReadOnlyList<int> ports = Ports(apisix.Configuration.Node("apisix", "node_listen"));
        if (ports.Count == 0)
        {
            yield return Finding.Note("apisix.node_listen", "is not set, so APISIX listens on 9080", "apisix:\n  node_listen:\n    - 15001");
            yield break;
        }

        yield return Finding.Ok("apisix.node_listen", string.Join(", ", ports));
        yield return Redirection(apisix, ports[0]);
    }

    private static IEnumerable<Finding> Stream(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        if (!HasPass(apisix))
        {
            yield return Finding.Wrong("apisix.proxy_mode", $"nginx of APISIX {apisix.Version} cannot hand connections from one listener to another: captured ports need APISIX {FirstWithPass}",
                "apisix:\n  proxy_mode: http\n  node_listen:\n    - 15001     # and no stream_configuration_snippet: HTTP only");
        }

        if (configuration.Node("apisix", "stream_proxy") is not YamlMappingNode)
        {
            yield return Finding.Wrong("apisix.stream_proxy", "is not set: APISIX's template fails without it", Both);
        }

        if (configuration.List("stream_plugins")?.Contains("amesh") != true)
        {
            yield return Finding.Wrong("stream_plugins", "amesh is not among them: TCP connections of the mesh go nowhere", "stream_plugins:\n  - amesh");
        }

        yield return Target(apisix, "http", "node_listen", Ports(configuration.Node("apisix", "node_listen")), 15080);
        yield return Target(apisix, "https", "ssl", Ports(configuration.Node("apisix", "ssl", "listen")), 15443);
        foreach (Finding finding in Captured(apisix))
        {
            yield return finding;
        }
    }

    /// <summary>APISIX's own listener that captured connections are handed to.</summary>
    private static Finding Target(ApisixInstallation apisix, string kind, string setting, IReadOnlyList<int> ports, int usual)
    {
        string? given = apisix.Configuration.Text("plugin_attr", "amesh", "targets", kind);
        int port = given is not null && int.TryParse(given[(given.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int own) ? own : usual;
        string cure = setting == "ssl" ? $"apisix:\n  ssl:\n    enable: true\n    listen:\n      - ip: 127.0.0.1\n        port: {port}" : $"apisix:\n  node_listen:\n    - ip: 127.0.0.1\n      port: {port}";
        return ports.Contains(port) ? Finding.Ok($"apisix.{setting}", $"takes {kind} from the captured ports on {port}")
            : Finding.Wrong($"apisix.{setting}", $"nothing listens on {port}, where {kind} from the captured ports is handed to", cure);
    }

    private static IEnumerable<Finding> Captured(ApisixInstallation apisix)
    {
        if (apisix.Configuration.Text("nginx_config", "stream_configuration_snippet") is not { } snippet)
        {
            yield return Finding.Wrong(Setting, "is not set: nothing listens for captured connections", Servers);
            yield break;
        }

        foreach (string file in (string[])["amesh-capture.conf", "amesh-stream.conf", "amesh-tcp.conf"])
        {
            yield return Snippet.Included(apisix, snippet).FirstOrDefault(path => Path.GetFileName(path) == file) is not { } path ? Finding.Wrong(Setting, $"does not include {file}", Servers)
                : File.Exists(path) ? Finding.Ok(Setting, $"includes {path}")
                : Finding.Wrong(Setting, $"{path} is not there: nginx will not start", Servers);
        }

        List<int> ports = [.. Snippet.Directives(snippet, "listen").Select(Port).OfType<int>().Distinct()];
        yield return ports.Count == 0 ? Finding.Wrong(Setting, "listens on no port", Servers) : Redirection(apisix, ports[0]);
    }

    private static Finding Redirection(ApisixInstallation apisix, int port)
    {
        string user = apisix.Configuration.Text("nginx_config", "user") ?? "nobody";
        return user == "root"
            ? Finding.Note("capture", "nginx's workers run as root: a rule cannot tell their connections from the workload's when that is root, too", "nginx_config:\n  user: nobody")
            : Finding.Ok("capture", $"iptables -t nat -A OUTPUT -m owner --uid-owner {user} -j RETURN; ... -p tcp -j REDIRECT --to-ports {port}");
    }

    private static bool HasPass(ApisixInstallation apisix) => !Version.TryParse(apisix.Version, out Version? version) || version >= FirstWithPass;

    // 15001, 127.0.0.1:15001 reuseport, [::]:15001
    private static int? Port(string listen)
    {
        string address = listen.Split(' ')[0];
        return int.TryParse(address[(address.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? port : null;
    }

    // 9080, [9080, 9081], [{ip, port}]
    private static IReadOnlyList<int> Ports(YamlNode? node) => node switch
    {
        YamlScalarNode { Value: { } text } when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) => [port],
        YamlSequenceNode list => [.. list.SelectMany(Ports)],
        YamlMappingNode one when one.Children.TryGetValue("port", out YamlNode? port) => Ports(port),
        _ => [],
    };
}
