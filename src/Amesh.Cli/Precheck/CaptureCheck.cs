using System.Globalization;
using YamlDotNet.RepresentationModel;
using ScalarStyle = YamlDotNet.Core.ScalarStyle;

namespace Amesh.Cli.Precheck;

/// <summary>Where captured connections have to be sent, and whose must be let through.</summary>
internal static class CaptureCheck
{
    private const string Setting = "nginx_config.stream_configuration_snippet";
    private const string Transparent = "amesh-transparent.conf";
    private const string StreamProxy = "apisix:\n  stream_proxy:\n    tcp:\n      - 127.0.0.1:15095";
    private const string Both = "apisix:\n  proxy_mode: http&stream\n  stream_proxy:\n    tcp:\n      - 127.0.0.1:15095";

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
        and the rest of it from apisix-patch/config.yaml
        """;

    /// <summary>The first APISIX whose template makes no server of a stream_proxy without ports.</summary>
    private static readonly Version FirstWithoutEmptyServer = new(3, 18);

    public static IEnumerable<Finding> Run(ApisixInstallation apisix) => Numbers(apisix).Concat(apisix.Configuration.Text("apisix", "proxy_mode") switch
    {
        null or "http" => HttpOnly(apisix),
        "http&stream" => Stream(apisix),
        "stream" => [Finding.Wrong("apisix.proxy_mode", "is stream: the dictionaries that the library writes are in nginx's http block, which is then left out", Both)],
        { } mode => [Finding.Wrong("apisix.proxy_mode", $"'{mode}' is none: APISIX does not start", Both)],
    });

    private static IEnumerable<Finding> HttpOnly(ApisixInstallation apisix)
    {
        yield return apisix.Runtime.HandsOn
            ? Finding.Note("apisix.proxy_mode", "is http: TCP connections of the mesh, and TLS that is not ended here, are not served", Both + "\n" + Servers)
            : Finding.Note("apisix.proxy_mode", $"is http: TCP connections of the mesh, and TLS that is not ended here, need APISIX {NginxRuntime.FirstThatHandsOn} (OpenResty 1.27)");
        if (apisix.Configuration.Text("nginx_config", "stream_configuration_snippet") is not null)
        {
            yield return Finding.Note(Setting, "is not read, since apisix.proxy_mode is http: nothing listens on its ports");
        }

        IReadOnlyList<int> ports = Ports(apisix.Configuration.Node("apisix", "node_listen"));
        if (ports.Count == 0)
        {
            yield return Finding.Note("apisix.node_listen", "is not set, so APISIX listens on 9080", "apisix:\n  node_listen:\n    - 15001"
                + (apisix.Runtime.HandsOn ? "\nor, with proxy_mode http&stream, whose captured port that is:\napisix:\n  node_listen:\n    - ip: 127.0.0.1\n      port: 15080" : ""));
            yield break;
        }

        yield return Finding.Ok("apisix.node_listen", string.Join(", ", ports));
        yield return Redirection(apisix, ports[0]);
    }

    private static IEnumerable<Finding> Stream(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        if (!apisix.Runtime.HandsOn)
        {
            yield return Finding.Wrong("apisix.proxy_mode", $"this nginx ({apisix.Runtime.Name}) cannot hand connections from one listener to another: it will not start with amesh-capture.conf",
                $"take apisix-patch/config-http.yaml (HTTP only), or APISIX {NginxRuntime.FirstThatHandsOn} (OpenResty 1.27)");
        }

        if (configuration.Node("apisix", "stream_proxy") is not YamlMappingNode proxy)
        {
            yield return Finding.Wrong("apisix.stream_proxy", "is not set: APISIX's template fails without it", StreamProxy);
        }
        else if (!proxy.Children.Values.OfType<YamlSequenceNode>().Any(static list => list.Children.Count > 0) && !(apisix.Number >= FirstWithoutEmptyServer))
        {
            string text = $"has no port: APISIX {apisix.Version ?? "before " + FirstWithoutEmptyServer} makes a server without `listen` of it, which nginx refuses";
            yield return apisix.Number is null ? Finding.Note("apisix.stream_proxy", text, StreamProxy) : Finding.Wrong("apisix.stream_proxy", text, StreamProxy);
        }

        if (configuration.List("stream_plugins")?.Contains("amesh") != true)
        {
            yield return Finding.Wrong("stream_plugins", "amesh is not among them: TCP connections of the mesh go nowhere", "stream_plugins:\n  - amesh");
        }

        yield return Target(apisix, "http", "apisix.node_listen", Ports(configuration.Node("apisix", "node_listen")), 15080, "apisix:\n  node_listen:\n    - ip: 127.0.0.1\n      port: 15080");
        yield return Target(apisix, "https", "apisix.ssl", configuration.Text("apisix", "ssl", "enable") == "false" ? [] : Ports(configuration.Node("apisix", "ssl", "listen")), 15443,
            "apisix:\n  ssl:\n    enable: true\n    listen:\n      - ip: 127.0.0.1\n        port: 15443");
        foreach (Finding finding in Captured(apisix))
        {
            yield return finding;
        }
    }

    /// <summary>A listener that captured connections are handed to.</summary>
    private static Finding Target(ApisixInstallation apisix, string kind, string setting, IReadOnlyList<int> ports, int usual, string cure)
    {
        int port = apisix.Configuration.Text("plugin_attr", "amesh", "targets", kind) is { } given ? Port(given) ?? usual : usual;
        return ports.Contains(port) ? Finding.Ok(setting, $"takes {kind} from the captured ports on {port}")
            : Finding.Wrong(setting, $"nothing listens on {port}, where {kind} from the captured ports is handed to", cure.Replace($"{usual}", $"{port}", StringComparison.Ordinal));
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
            if (!Snippet.Included(apisix, snippet).Any(path => Path.GetFileName(path) == file))
            {
                yield return Finding.Wrong(Setting, $"does not include {file}", Servers);
            }
        }

        if (string.Join(", ", Snippet.Missing(apisix, snippet)) is { Length: > 0 } missing)
        {
            yield return Finding.Wrong(Setting, $"not there, so that nginx will not start: {missing}", "give the folder apisix-patch/ of Amesh");
        }

        if (apisix.Configuration.List("plugin_attr", "amesh", "transparent") is { Count: > 0 } && !Snippet.Included(apisix, snippet).Any(static path => Path.GetFileName(path) == Transparent))
        {
            yield return Finding.Note("plugin_attr.amesh.transparent", $"needs CAP_NET_RAW in nginx's workers, and {Setting} does not include {Transparent}, which leaves it to them",
                $"include /usr/local/amesh/apisix-patch/{Transparent}; first in {Setting}");
        }

        List<int> ports = [.. Snippet.Directives(snippet, "listen").Select(Port).OfType<int>().Distinct()];
        yield return Target(apisix, "tcp", Setting, ports, 15090, Servers);
        yield return Target(apisix, "tls", Setting, ports, 15091, "take the server that listens on 127.0.0.1:15091 over from apisix-patch/config.yaml");
        foreach (string[] place in (string[][])[["apisix", "node_listen"], ["apisix", "ssl", "listen"], ["apisix", "stream_proxy", "tcp"]])
        {
            foreach (int twice in Ports(apisix.Configuration.Node(place)).Intersect(ports))
            {
                yield return Finding.Wrong(string.Join('.', place), $"port {twice} is in {Setting}, too: nginx cannot listen on it twice", "the captured ports belong to stream alone, those that connections are handed to (15080, 15443) to APISIX's HTTP");
            }
        }

        yield return ports.Count == 0 ? Finding.Wrong(Setting, "listens on no port", Servers) : Redirection(apisix, ports[0]);
    }

    private static IEnumerable<Finding> Numbers(ApisixInstallation apisix)
    {
        if (apisix.Configuration.Node("apisix", "node_listen")?.AllNodes.OfType<YamlScalarNode>().FirstOrDefault(static one => one.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted && Port(one.Value!) is not null) is { } text)
        {
            yield return Finding.Wrong("apisix.node_listen", $"line {text.Start.Line}: \"{text.Value}\" is text: APISIX wants a number, and does not start", $"leave out the quotes: {text.Value}");
        }
    }

    private static Finding Redirection(ApisixInstallation apisix, int port)
    {
        string user = apisix.Configuration.Text("nginx_config", "user") ?? "nobody";
        return user == "root"
            ? Finding.Note("capture", "nginx's workers run as root: a rule cannot tell their connections from the workload's when that is root, too", "nginx_config:\n  user: nobody")
            : Finding.Ok("capture", $"iptables -t nat -A OUTPUT -m owner --uid-owner {user} -j RETURN; ... -p tcp -j REDIRECT --to-ports {port}");
    }

    // 15001, 127.0.0.1:15001 reuseport, [::]:15001
    private static int? Port(string listen)
    {
        string address = listen.Split(' ')[0];
        return int.TryParse(address[(address.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? port : null;
    }

    // 9080, [9080, "127.0.0.1:9081"], [{ip, port}], [{addr}]
    private static IReadOnlyList<int> Ports(YamlNode? node) => node switch
    {
        YamlScalarNode { Value: { } text } when Port(text) is { } port => [port],
        YamlSequenceNode list => [.. list.SelectMany(Ports)],
        YamlMappingNode one when one.Children.TryGetValue("port", out YamlNode? port) || one.Children.TryGetValue("addr", out port) => Ports(port),
        _ => [],
    };
}
