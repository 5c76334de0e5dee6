using System.Globalization;

namespace Amesh.Cli.Precheck;

/// <summary>The shared dictionaries are declared, and those that the library writes are large enough.</summary>
internal static class DictionaryCheck
{
    private const long KiB = 1024;
    private const long MiB = 1024 * KiB;

    // What nginx takes at least, and what the version zone's log can grow to.
    private const long SmallestConfig = 1 * MiB;
    private const long RoomyConfig = 16 * MiB;
    private const long SmallestVersion = 512 * KiB;

    private static readonly string[] Declared = ["nginx_config", "http", "custom_lua_shared_dict"];

    public static IEnumerable<Finding> Run(ApisixInstallation apisix) =>
    [
        Check(apisix.Configuration, "xds-config", "64m", SmallestConfig, RoomyConfig),
        Check(apisix.Configuration, "xds-config-version", "1m", SmallestVersion, SmallestVersion),
        .. Counting(apisix.Configuration, "amesh-outliers", "no endpoint is ejected for its errors"),
        .. Counting(apisix.Configuration, "amesh-circuits", "no cluster's limits of requests hold"),
    ];

    // what the workers count in together; the mesh is served without
    private static IEnumerable<Finding> Counting(ApisixConfiguration configuration, string name, string otherwise) =>
        configuration.Text([.. Declared, name]) is null
            ? [Finding.Note("shared dictionary " + name, $"is not declared: {otherwise}", $"nginx_config:\n  http:\n    custom_lua_shared_dict:\n      {name}: 1m")] : [];

    private static Finding Check(ApisixConfiguration configuration, string name, string usual, long smallest, long roomy)
    {
        string subject = "shared dictionary " + name;
        string cure = $"nginx_config:\n  http:\n    custom_lua_shared_dict:\n      {name}: {usual}";
        if (configuration.Text([.. Declared, name]) is not { } text)
        {
            return Finding.Wrong(subject, "is not declared", cure);
        }

        return Size(text) switch
        {
            null => Finding.Wrong(subject, $"'{text}' is no size that nginx knows", cure),
            { } size when size < smallest => Finding.Wrong(subject, $"{text} is too small", cure),
            { } size when size < roomy => Finding.Note(subject, $"{text} is enough for a small mesh; a full one keeps its last good state and says so in the error log", cure),
            _ => Finding.Ok(subject, text),
        };
    }

    private static long? Size(string text)
    {
        (string number, long unit) = text.Length > 0 ? char.ToLowerInvariant(text[^1]) switch
        {
            'k' => (text[..^1], KiB),
            'm' => (text[..^1], MiB),
            _ => (text, 1L),
        } : ("", 1L);
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size * unit : null;
    }
}
