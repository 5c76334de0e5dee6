using System.Text.RegularExpressions;

namespace Amesh.Cli.Precheck;

/// <summary>An APISIX as it is installed and configured.</summary>
internal sealed partial class ApisixInstallation
{
    /// <summary>A file of Amesh's that no APISIX has; where it is, the others are.</summary>
    private const string LibraryLoader = "apisix/amesh/library.lua";

    private ApisixInstallation(string home, ApisixConfiguration configuration, string? openresty)
    {
        (Home, Configuration) = (home, configuration);
        Version = CodeFolders.Select(folder => Read(Path.Combine(folder, "apisix/core/version.lua"))).FirstOrDefault(static text => text is not null) is { } text
            && VersionText().Match(text) is { Success: true } match ? match.Groups[1].Value : null;
        Number = System.Version.TryParse(Version, out System.Version? number) ? number : null;
        Runtime = NginxRuntime.Of(openresty, Number);
    }

    /// <summary>Where the code of an APISIX may be, seen from its home.</summary>
    private static readonly string[] CodeFolders = ["", "deps/share/lua/5.1", "/usr/local/share/lua/5.1"];

    /// <summary>The folder that APISIX runs in; relative paths begin there.</summary>
    public string Home { get; }

    public ApisixConfiguration Configuration { get; }

    /// <summary>The version of APISIX as its files say; null when they are elsewhere.</summary>
    public string? Version { get; }

    /// <summary>The same as numbers; null when it is not known, or not written so.</summary>
    public Version? Number { get; }

    /// <summary>The nginx that it runs on.</summary>
    public NginxRuntime Runtime { get; }

    /// <summary>The number of the interface between Lua files and library that the installed Lua files want; null when they are not found.</summary>
    public int? WantedInterface =>
        FindLua(LibraryLoader) is { } file && Interface().Match(File.ReadAllText(file)) is { Success: true } match
            ? int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : null;

    public static ApisixInstallation Open(string home, string? openresty)
    {
        string profile = Environment.GetEnvironmentVariable("APISIX_PROFILE") is { Length: > 0 } name ? $"config-{name}.yaml" : "config.yaml";
        return new ApisixInstallation(Path.GetFullPath(home), ApisixConfiguration.Read(Path.Combine(home, "conf", profile)), openresty);
    }

    /// <summary>A path as APISIX reads it.</summary>
    public string FullPath(string path) => Path.GetFullPath(path.Replace("$prefix", Home, StringComparison.Ordinal), Home);

    /// <summary>Where <c>extra_lua_path</c> finds a Lua file such as <c>apisix/core/config_xds.lua</c>; null when it does not.</summary>
    public string? FindLua(string file) =>
        Patterns("extra_lua_path").Select(pattern => FullPath(pattern.Replace("?", file[..^".lua".Length], StringComparison.Ordinal))).FirstOrDefault(File.Exists);

    /// <summary>Where the Lua side looks for the library, in its order.</summary>
    public IReadOnlyList<string> LibraryPlaces() =>
        Configuration.Text("plugin_attr", "amesh", "library") is { } path ? [FullPath(path)]
            : [.. Patterns("extra_lua_cpath").Where(pattern => pattern.Contains('/')).Select(pattern => FullPath(pattern[..(pattern.LastIndexOf('/') + 1)] + "libxds.so"))];

    private string[] Patterns(string setting) =>
        (Configuration.Text("apisix", setting) ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private string? Read(string file)
    {
        string path = Path.Combine(Home, file);
        return File.Exists(path) ? File.ReadAllText(path) : null;
    }

    [GeneratedRegex("""VERSION\s*=\s*["']([^"']+)["']""")]
    private static partial Regex VersionText();

    [GeneratedRegex(@"^local ABI = (\d+)", RegexOptions.Multiline)]
    private static partial Regex Interface();
}
