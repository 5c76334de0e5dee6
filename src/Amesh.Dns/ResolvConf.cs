using System.Globalization;
using System.Net;

namespace Amesh.Dns;

/// <summary>What resolv.conf says: servers, search domains and options. Defaults are c-ares', which Envoy resolves with.</summary>
internal sealed record ResolvConf
{
    private const int Port = 53;

    public IReadOnlyList<IPEndPoint> Servers { get; init; } = [];

    public IReadOnlyList<string> Search { get; init; } = [];

    /// <summary>A name with this many dots is first tried as it is.</summary>
    public int Ndots { get; init; } = 1;

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often each server is asked.</summary>
    public int Attempts { get; init; } = 3;

    public bool Rotate { get; init; }

    public bool UseTcp { get; init; }

    public static ResolvConf Parse(IEnumerable<string> lines)
    {
        var servers = new List<IPEndPoint>();
        var conf = new ResolvConf();
        foreach (string line in lines)
        {
            string[] words = line.Split('#', ';')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2)
            {
                continue;
            }

            switch (words[0])
            {
                case "nameserver" when IPAddress.TryParse(words[1], out IPAddress? address):
                    servers.Add(new IPEndPoint(address, Port));
                    break;
                case "domain" or "search":
                    // The last of these lines counts.
                    conf = conf with { Search = [.. words.Skip(1).Select(domain => domain.Trim('.')).Where(domain => domain.Length > 0)] };
                    break;
                case "options":
                    conf = words.Skip(1).Aggregate(conf, WithOption);
                    break;
            }
        }

        return conf with { Servers = servers };
    }

    /// <summary>The names to ask for, one after the other, for a name as a person writes it.</summary>
    public IEnumerable<string> Candidates(string name, bool noSearch)
    {
        if (noSearch || name.EndsWith('.') || Search.Count == 0)
        {
            return [name.TrimEnd('.')];
        }

        IEnumerable<string> searched = Search.Select(domain => $"{name}.{domain}");
        return name.Count(c => c == '.') >= Ndots ? searched.Prepend(name) : searched.Append(name);
    }

    private static ResolvConf WithOption(ResolvConf conf, string option)
    {
        string[] parts = option.Split(':', 2);
        int number = parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : -1;
        return (parts[0], number) switch
        {
            ("ndots", >= 0) => conf with { Ndots = Math.Min(number, 15) },
            ("timeout", > 0) => conf with { Timeout = TimeSpan.FromSeconds(Math.Min(number, 30)) },
            ("attempts", > 0) => conf with { Attempts = Math.Min(number, 5) },
            ("rotate", _) => conf with { Rotate = true },
            ("use-vc", _) => conf with { UseTcp = true },
            _ => conf,
        };
    }
}
