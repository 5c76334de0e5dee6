using System.Net;

namespace Amesh.Dns;

/// <summary>Names and addresses as /etc/hosts has them.</summary>
public sealed class HostsFile
{
    private readonly Dictionary<string, List<IPAddress>> _addresses = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The addresses of a name in the file's order; none where it is not in the file.</summary>
    public IReadOnlyList<IPAddress> Addresses(string name) => _addresses.GetValueOrDefault(name.TrimEnd('.')) ?? [];

    /// <summary>Reads lines; one that makes no sense is passed over.</summary>
    public static HostsFile Parse(IEnumerable<string> lines)
    {
        var file = new HostsFile();
        foreach (string line in lines)
        {
            string[] words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !IPAddress.TryParse(words[0], out IPAddress? address))
            {
                continue;
            }

            foreach (string name in words.Skip(1))
            {
                if (!file._addresses.TryGetValue(name, out List<IPAddress>? addresses))
                {
                    file._addresses[name] = addresses = [];
                }

                if (!addresses.Contains(address))
                {
                    addresses.Add(address);
                }
            }
        }

        return file;
    }
}
