using System.Diagnostics;
using System.Text.RegularExpressions;
using Amesh.Xds;

namespace Amesh.Cli.Precheck;

/// <summary>The nginx that an APISIX runs on, and what it can do that not every one can.</summary>
/// <param name="Name">As <c>openresty/1.29.2.4</c>; or what it is taken to be.</param>
/// <param name="File">The program that was asked and looked into; null when there is none, and it is taken to be what APISIX comes with.</param>
/// <param name="HandsOn">Hands connections from one listener to another (<c>pass</c> in stream).</param>
/// <param name="Verifies">Verifies endpoints' certificates in Lua (<c>proxy_ssl_verify_by_lua</c>).</param>
/// <param name="Keeps">Lets kept connections stay open in a worker that ends (<c>keepalive_min_timeout</c>).</param>
internal sealed partial record NginxRuntime(string Name, string? File, bool HandsOn, bool Verifies, bool Keeps)
{
    /// <summary>The first APISIX that comes with OpenResty 1.27, which has <c>pass</c>.</summary>
    public static readonly Version FirstThatHandsOn = new(3, 12);

    /// <summary>The first APISIX that comes with OpenResty 1.29, which has <c>proxy_ssl_verify_by_lua</c> and <c>keepalive_min_timeout</c>.</summary>
    public static readonly Version FirstThatVerifies = new(3, 17);

    /// <summary>The one that is named, else <c>openresty</c> on the PATH as APISIX itself looks for it, else what the version says.</summary>
    /// <exception cref="SourceException">The one that is named cannot be run.</exception>
    public static NginxRuntime Of(string? openresty, Version? apisix)
    {
        string? file = openresty ?? OnPath();
        if (file is not null && Ask(file) is { } answer && Executable(file, answer) is { } executable)
        {
            ReadOnlySpan<byte> code = System.IO.File.ReadAllBytes(executable);
            return new NginxRuntime(ServerName().Match(answer).Groups[1].Value, file,
                HandsOn: code.IndexOf("ngx_stream_pass_module"u8) >= 0, Verifies: code.IndexOf("proxy_ssl_verify_by_lua_block"u8) >= 0,
                Keeps: code.IndexOf("keepalive_min_timeout"u8) >= 0);
        }

        return openresty is not null ? throw new SourceException($"--openresty {openresty}: does not answer -V as nginx does")
            : apisix is null ? new NginxRuntime("unknown", File: null, HandsOn: true, Verifies: true, Keeps: true)
            : new NginxRuntime($"the one that APISIX {apisix} comes with", File: null, apisix >= FirstThatHandsOn, apisix >= FirstThatVerifies, apisix >= FirstThatVerifies);
    }

    private static string? OnPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(static folder => Path.Combine(folder, "openresty")).FirstOrDefault(System.IO.File.Exists);

    private static string? Ask(string file)
    {
        try
        {
            var start = new ProcessStartInfo(file, ["-V"]) { RedirectStandardError = true, RedirectStandardOutput = true };
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string text = process.StandardError.ReadToEnd() + output.GetAwaiter().GetResult();
            process.WaitForExit();
            return ServerName().IsMatch(text) ? text : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    // what is on the PATH may be a script; nginx says where it was installed
    private static string? Executable(string file, string answer)
    {
        string[] places =
        [
            file, Argument(answer, "--sbin-path") ?? "", Argument(answer, "--prefix") is { } prefix ? Path.Combine(prefix, "sbin", "nginx") : "",
        ];
        return places.FirstOrDefault(static place => System.IO.File.Exists(place) && ElfFile.Is(place));
    }

    private static string? Argument(string answer, string name) =>
        Regex.Match(answer, $@"{name}=(\S+)") is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex(@"nginx version: (\S+)")]
    private static partial Regex ServerName();
}
