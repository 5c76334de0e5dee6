namespace Amesh.Cli.Precheck;

/// <summary>A piece of nginx configuration that APISIX puts into its own.</summary>
internal static class Snippet
{
    /// <summary>The files that a snippet includes, as full paths: nginx reads them relative to its configuration file.</summary>
    public static IEnumerable<string> Included(ApisixInstallation apisix, string snippet) =>
        Directives(snippet, "include").Select(file => Path.GetFullPath(file.Trim('"', '\'', ' '), Path.Combine(apisix.Home, "conf")));

    /// <summary>The arguments of each use of a directive; comments left out.</summary>
    public static IEnumerable<string> Directives(string snippet, string name) =>
        snippet.Split('\n').Select(static line => line.Split('#')[0])
            .SelectMany(static line => line.Split(';', '{', '}')).Select(static part => part.Trim())
            .Where(part => part.StartsWith(name + " ", StringComparison.Ordinal)).Select(part => part[name.Length..].Trim());
}
