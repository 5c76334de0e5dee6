using System.Runtime.Versioning;

namespace Amesh.Cli.Precheck;

/// <summary>nginx's workers, who are not root, can read what they load. The library is loaded by the privileged agent, whose user is the master's.</summary>
internal static class AccessCheck
{
    private static readonly string[] Files = ["apisix/core/config_xds.lua", "apisix/amesh/library.lua"];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix)
    {
        string user = apisix.Configuration.Text("nginx_config", "user") ?? "nobody";
        foreach (string file in Files.Select(apisix.FindLua).OfType<string>())
        {
            if (user != "root" && !OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess && Closed(file) is { } closed)
            {
                yield return Finding.Wrong("access", $"{file}: nginx's workers ({user}) cannot read it, {closed} is closed to them", $"chmod -R a+rX {closed}\nor put Amesh where everybody may read, such as /usr/local/amesh");
                yield break;
            }
        }
    }

    // the file or the first folder above it that others may not read or enter
    [UnsupportedOSPlatform("windows")]
    private static string? Closed(string file)
    {
        if (!File.GetUnixFileMode(file).HasFlag(UnixFileMode.OtherRead))
        {
            return file;
        }

        for (string? folder = Path.GetDirectoryName(file); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute))
            {
                return folder;
            }
        }

        return null;
    }
}
