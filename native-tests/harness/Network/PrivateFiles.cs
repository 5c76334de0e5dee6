namespace Amesh.Harness.Network;

/// <summary>
/// Files of the system that only the run sees otherwise: <c>ip netns exec</c> gives its program a mount namespace of its own, so that what is
/// mounted there is nobody else's and gone with the run.
/// </summary>
internal static class PrivateFiles
{
    /// <summary>Where programs find name servers.</summary>
    public const string Resolver = "/etc/resolv.conf";

    /// <summary>Debian's root store.</summary>
    public const string RootStore = "/etc/ssl/certs/ca-certificates.crt";

    /// <summary>Puts a text in the place of a file; a file that the system does not have stays missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">What the run's programs read there.</param>
    /// <param name="folder">Where the text is kept.</param>
    public static void Put(string path, string text, string folder)
    {
        if (NetworkNamespace.Inside is null || !File.Exists(path))
        {
            return;
        }
        var source = Path.Combine(folder, Path.GetFileName(path));
        File.WriteAllText(source, text);
        Shell.Run("mount", "--bind", source, path);
    }
}
