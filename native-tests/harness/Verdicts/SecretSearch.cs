using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;

namespace Amesh.Harness.Verdicts;

/// <summary>Looks for the private keys that the control plane sent in everything that the proxy shows or writes.</summary>
internal static partial class SecretSearch
{
    /// <summary>The longest line of each private key in a recording: enough to know it by, wherever its lines are broken.</summary>
    public static IReadOnlySet<string> KeysIn(string recording)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in Directory.GetFiles(recording, "*.pb.gz"))
        {
            using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
            using var text = new StreamReader(file, Encoding.Latin1);
            keys.UnionWith(PrivateKey().Matches(text.ReadToEnd()).Select(static match => Longest(match.Groups[1].Value)));
        }
        return keys;
    }

    /// <summary>Names of the outputs that contain a key, as it is or as JSON of Lua has it, where a slash has a backslash before it.</summary>
    public static IEnumerable<string> Leaks(IReadOnlySet<string> keys, IEnumerable<(string Name, string Text)> outputs) =>
        outputs.Where(output => ContainsOne(output.Text, keys) || ContainsOne(output.Text.Replace(@"\/", "/", StringComparison.Ordinal), keys)).Select(static output => output.Name);

    /// <summary>Every file below a folder, links and folders of a name aside; compressed ones as they read.</summary>
    public static IEnumerable<(string Name, string Text)> Files(string folder, string except)
    {
        foreach (var below in new DirectoryInfo(folder).EnumerateFileSystemInfos())
        {
            if (below.LinkTarget is not null || below.Name == except)
            {
                continue;
            }
            if (below is DirectoryInfo)
            {
                foreach (var file in Files(below.FullName, except))
                {
                    yield return file;
                }
            }
            else if (below is FileInfo { Length: > 0 } file && (file.Attributes & FileAttributes.Device) == 0)
            {
                yield return (file.FullName, Read(file.FullName));
            }
        }
    }

    private static bool ContainsOne(string text, IReadOnlySet<string> keys) => keys.Any(key => text.Contains(key, StringComparison.Ordinal));

    private static string Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var plain = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B ? new GZipStream(Rewound(file), CompressionMode.Decompress) : (Stream)Rewound(file);
        using var text = new StreamReader(plain, Encoding.Latin1);
        return text.ReadToEnd();
    }

    private static FileStream Rewound(FileStream file)
    {
        file.Position = 0;
        return file;
    }

    private static string Longest(string body) => body.Split('\n').MaxBy(static line => line.Trim().Length)!.Trim();

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]*)-----END")]
    private static partial Regex PrivateKey();
}
