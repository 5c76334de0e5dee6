using System.Net;
using System.Net.Sockets;

namespace Amesh.Dns;

/// <summary>Answers from a file in the form of /etc/hosts and asks nobody: what is not in it does not exist.</summary>
public sealed class FixedNames(HostsFile hosts) : INameResolver
{
    private readonly HashSet<NameQuery> _known = [];

    /// <inheritdoc/>
    public void Watch(IReadOnlyCollection<NameQuery> names, Action<NameQuery, IReadOnlyList<string>?> answered)
    {
        NameQuery[] asked = [.. names.Where(name => !_known.Contains(name))];
        _known.Clear();
        _known.UnionWith(names);
        foreach (NameQuery name in asked)
        {
            answered(name, [.. Wanted(name.Family, hosts.Addresses(name.Name)).Select(address => address.ToString())]);
        }
    }

    private static IEnumerable<IPAddress> Wanted(LookupFamily family, IReadOnlyList<IPAddress> addresses)
    {
        IPAddress[] v4 = [.. addresses.Where(a => a.AddressFamily == AddressFamily.InterNetwork)];
        IPAddress[] v6 = [.. addresses.Where(a => a.AddressFamily == AddressFamily.InterNetworkV6)];
        return family switch
        {
            LookupFamily.V4Only => v4,
            LookupFamily.V6Only => v6,
            LookupFamily.All => v4.Concat(v6),
            LookupFamily.V4Preferred => v4.Length > 0 ? v4 : v6,
            _ => v6.Length > 0 ? v6 : v4,
        };
    }
}
