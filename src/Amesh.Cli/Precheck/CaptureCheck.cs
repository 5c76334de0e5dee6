using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Amesh.Cli.Precheck;

/// <summary>Where captured connections have to be sent, and whose must be let through.</summary>
internal static class CaptureCheck
{
    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        ApisixConfiguration configuration = apisix.Configuration;
        IReadOnlyList<int> ports = Ports(configuration.Node("apisix", "node_listen"));
        if (ports.Count == 0)
        {
            return [Finding.Note("apisix.node_listen", "is not set, so APISIX listens on 9080", "apisix:\n  node_listen:\n    - 15001")];
        }

        string user = configuration.Text("nginx_config", "user") ?? "nobody";
        return
        [
            Finding.Ok("apisix.node_listen", string.Join(", ", ports)),
            user == "root"
                ? Finding.Note("capture", "nginx's workers run as root: a rule cannot tell their connections from the workload's when that is root, too", "nginx_config:\n  user: nobody")
                : Finding.Ok("capture", $"iptables -t nat -A OUTPUT -m owner --uid-owner {user} -j RETURN; ... -p tcp -j REDIRECT --to-ports {ports[0]}"),
        ];
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
