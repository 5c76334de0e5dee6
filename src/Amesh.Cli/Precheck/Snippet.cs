namespace Amesh.Cli.Precheck;

/// <summary>A piece of nginx configuration that APISIX puts into its own.</summary>
internal static class Snippet
{
    /// <summary>The files that a snippet includes, as full paths: nginx reads them relative to its configuration file.</summary>
    public static IEnumerable<string> Included(ApisixInstallation apisix, string snippet) =>
        Directives(snippet, "include").Select(file => Path.GetFullPath(file.Trim('"', '\'', ' '), Path.Combine(apisix.Home, "conf")));

    /// <summary>Those that are not there; patterns, which may match nothing, are left out.</summary>
    public static IEnumerable<string> Missing(ApisixInstallation apisix, string snippet) =>
        Included(apisix, snippet).Where(static file => !file.Contains('*', StringComparison.Ordinal) && !File.Exists(file)).Distinct();

    /// <summary>The arguments of each use of a directive; comments left out.</summary>
    public static IEnumerable<string> Directives(string snippet, string name) =>
        snippet.Split('\n').Select(static line => line.Split('#')[0])
            .SelectMany(static line => line.Split(';', '{', '}')).Select(static part => part.Trim())
            .Where(part => part.StartsWith(name + " ", StringComparison.Ordinal)).Select(part => part[name.Length..].Trim());

    /// <summary>What nginx would not read to its end; null when nothing is seen.</summary>
    public static string? Broken(string snippet)
    {
        string[] lines = [.. snippet.Split('\n').Select(static line => line.Split('#')[0].Trim())];
        int depth = 0;
        foreach (string line in lines)
        {
            depth += line.Count(static c => c == '{') - line.Count(static c => c == '}');
            if (depth < 0)
            {
                return "a } closes nothing";
            }

            if (line.StartsWith("include ", StringComparison.Ordinal) && !line.EndsWith(';'))
            {
                return $"`{line}` has no ; at its end";
            }
        }

        return depth > 0 ? "a { is not closed" : null;
    }
}
