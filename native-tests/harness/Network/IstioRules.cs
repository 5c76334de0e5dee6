using System.Globalization;

namespace Amesh.Harness.Network;

/// <summary>The iptables rules that Istio lays in a pod whose traffic it redirects (REDIRECT mode, all ports), rule by rule.</summary>
internal static class IstioRules
{
    private const string Nat = "nat";

    /// <summary>Lays them.</summary>
    /// <param name="proxyUser">The user that the proxy runs as (1337 in Istio).</param>
    /// <param name="outboundPort">Where the application's connections go.</param>
    /// <param name="inboundPort">Where connections to the pod go.</param>
    public static void Lay(string proxyUser, int outboundPort = 15001, int inboundPort = 15006)
    {
        foreach (var chain in new[] { "ISTIO_REDIRECT", "ISTIO_IN_REDIRECT", "ISTIO_INBOUND", "ISTIO_OUTPUT" })
        {
            Shell.Run("iptables", "-t", Nat, "-N", chain);
        }
        Append("ISTIO_REDIRECT", "-p tcp -j REDIRECT --to-ports " + Text(outboundPort));
        Append("ISTIO_IN_REDIRECT", "-p tcp -j REDIRECT --to-ports " + Text(inboundPort));
        Append("PREROUTING", "-p tcp -j ISTIO_INBOUND");
        Append("ISTIO_INBOUND", "-p tcp --dport 15008 -j RETURN");
        Append("ISTIO_INBOUND", "-p tcp -j ISTIO_IN_REDIRECT");
        Append("OUTPUT", "-p tcp -j ISTIO_OUTPUT");
        // what the inbound side passes on to the application
        Append("ISTIO_OUTPUT", "-s 127.0.0.6/32 -o lo -j RETURN");
        // the proxy calling its own pod: in by the front door
        Append("ISTIO_OUTPUT", $"! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --uid-owner {proxyUser} -j ISTIO_IN_REDIRECT");
        Append("ISTIO_OUTPUT", $"-o lo -m owner ! --uid-owner {proxyUser} -j RETURN");
        Append("ISTIO_OUTPUT", $"-m owner --uid-owner {proxyUser} -j RETURN");
        Append("ISTIO_OUTPUT", "-d 127.0.0.1/32 -j RETURN");
        Append("ISTIO_OUTPUT", "-j ISTIO_REDIRECT");
    }

    private static void Append(string chain, string rule) => Shell.Run("iptables", ["-t", Nat, "-A", chain, .. rule.Split(' ')]);

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
