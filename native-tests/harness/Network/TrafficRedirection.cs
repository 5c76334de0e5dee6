using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Amesh.Harness.Network;

/// <summary>
/// Addresses and iptables rules inside the namespace, as in a pod: everything but loopback goes to the proxy, what comes to the workload's own
/// address goes to the proxy's inbound port, and the proxy's own packets go where they want.
/// </summary>
internal static class TrafficRedirection
{
    /// <summary>Brings loopback up with a default route over it, for IPv4 and (where the kernel has it) IPv6.</summary>
    public static void UseLoopback()
    {
        Shell.Run("ip", "link", "set", "lo", "up");
        Shell.Run("ip", "route", "replace", "default", "dev", "lo");
        Shell.Try("ip", "-6", "route", "replace", "default", "dev", "lo");
    }

    /// <summary>Puts addresses outside 127.0.0.0/8 on <c>lo</c>, so that servers can stand on them and clients can come from them.</summary>
    public static void AddAddresses(IEnumerable<string> addresses)
    {
        foreach (var address in addresses.Distinct())
        {
            var ip = IPAddress.Parse(address);
            if (ip.AddressFamily == AddressFamily.InterNetworkV6)
            {
                Shell.Run("ip", "-6", "addr", "replace", address + "/128", "dev", "lo", "nodad");
            }
            else if (!IPAddress.IsLoopback(ip))
            {
                Shell.Run("ip", "addr", "replace", address + "/32", "dev", "lo");
            }
        }
    }

    /// <summary>Lays the rules, in place of any that were there.</summary>
    /// <param name="proxyUser">User of the proxy's workers: its packets are not redirected.</param>
    /// <param name="outboundPort">Where connections go that the application makes.</param>
    /// <param name="inboundAddress">The workload's own address; null when only the outbound side is redirected.</param>
    /// <param name="inboundPort">Where connections to <paramref name="inboundAddress"/> go.</param>
    public static void Redirect(string proxyUser, int outboundPort, string? inboundAddress = null, int inboundPort = 15006)
    {
        Rules("iptables", "127.0.0.0/8", proxyUser, outboundPort, inboundAddress, inboundPort);
        if (Shell.Try("ip6tables", "-t", "nat", "-S", "OUTPUT").Code == 0)
        {
            Rules("ip6tables", "::1/128", proxyUser, outboundPort, null, inboundPort);
        }
    }

    /// <summary>Gives connections to these addresses to a port by TPROXY: its socket's local address stays what the client wanted.</summary>
    public static void Transparent(string proxyUser, IEnumerable<string> addresses, int port)
    {
        // Packets to an address on lo come in over lo, so that PREROUTING sees what this host itself sends; the proxy's own is marked.
        const string Own = "0x2";
        foreach (var iptables in (string[])["iptables", "ip6tables"])
        {
            Shell.Run(iptables, "-t", "mangle", "-F");
            Shell.Run(iptables, "-t", "mangle", "-A", "OUTPUT", "-m", "owner", "--uid-owner", proxyUser, "-j", "MARK", "--set-mark", Own);
            Shell.Run(iptables, "-t", "mangle", "-A", "PREROUTING", "-m", "mark", "--mark", Own, "-j", "RETURN");
        }
        foreach (var address in addresses)
        {
            var iptables = address.Contains(':', StringComparison.Ordinal) ? "ip6tables" : "iptables";
            Shell.Run(iptables, "-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "-d", address, "-j", "TPROXY",
                "--on-port", port.ToString(CultureInfo.InvariantCulture), "--tproxy-mark", "0x1");
            Shell.Run(iptables, "-t", "nat", "-I", "OUTPUT", "-p", "tcp", "-d", address, "-j", "RETURN");
        }
    }

    private static void Rules(string iptables, string loopback, string proxyUser, int outboundPort, string? inboundAddress, int inboundPort)
    {
        Shell.Run(iptables, "-t", "nat", "-F", "OUTPUT");
        Append(iptables, "-m", "owner", "--uid-owner", proxyUser, "-j", "RETURN");
        if (inboundAddress is not null)
        {
            Append(iptables, "-p", "tcp", "-d", inboundAddress, "-j", "REDIRECT", "--to-ports", inboundPort.ToString(CultureInfo.InvariantCulture));
        }
        Append(iptables, "-d", loopback, "-j", "RETURN");
        Append(iptables, "-p", "tcp", "-j", "REDIRECT", "--to-ports", outboundPort.ToString(CultureInfo.InvariantCulture));
    }

    private static void Append(string iptables, params string[] rule) => Shell.Run(iptables, ["-t", "nat", "-A", "OUTPUT", .. rule]);
}
