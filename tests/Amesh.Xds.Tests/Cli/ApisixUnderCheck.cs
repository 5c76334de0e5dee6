using System.Diagnostics;
using Amesh.Cli;

namespace Amesh.Xds.Tests.Cli;

/// <summary>A home of an APISIX, as much of it as precheck looks at: a version, the configuration that users are given, a library, and a nginx.</summary>
internal sealed class ApisixUnderCheck : IDisposable
{
    /// <summary>The modules of a nginx that can all.</summary>
    public const string Able = "ngx_stream_pass_module proxy_ssl_verify_by_lua_block keepalive_min_timeout";

    /// <summary>In place of modules: the nginx that the test has put there.</summary>
    public const string Given = "given";

    /// <summary>A library as precheck loads it.</summary>
    public const string Loads = """
        #include <stdio.h>
        const char *amesh_version(void) { return "9.9.9"; }
        int amesh_start(int abi, void *c, void *v, const char *o, unsigned long n, char *err, unsigned long size)
        { snprintf(err, size, abi == WANTED ? "a shared dictionary is missing" : "libxds 9.9.9 has the interface %d", WANTED); return -1; }
        """;

    /// <summary>A nginx as precheck asks it, and looks into it.</summary>
    public const string Nginx = """
        #include <stdio.h>
        const char *volatile modules = MODULES;
        int main(void) { fprintf(stderr, "nginx version: openresty/1.2.3.4\nconfigure arguments: --with-stream\n"); return modules == 0; }
        """;

    public ApisixUnderCheck()
    {
        // as anybody may read what a user installs
        Mode(Folder.Path, "755");
        foreach (string part in (string[])["lua", "apisix-patch"])
        {
            File.CreateSymbolicLink(Folder.File(part), Path.Combine(Repository.Root, part));
        }
    }

    public TemporaryFolder Folder { get; } = new();

    public string Library => Folder.File("libxds.so");

    public string Openresty => Folder.File("openresty");

    /// <summary>The file in apisix-patch/ that is taken.</summary>
    public string Configuration { get; set; } = "config.yaml";

    public void Dispose() => Folder.Dispose();

    /// <summary>With what is given, but for some changes of its text.</summary>
    public Task<(int Code, string Output)> CheckAsync(params (string Right, string Wrong)[] changes) => CheckAsync("3.18.0", Able, changes);

    /// <summary>The same in an APISIX of some version (none: its files are elsewhere) on a nginx with some modules (none: there is no nginx).</summary>
    public Task<(int Code, string Output)> CheckAsync(string? version, string? modules, params (string Right, string Wrong)[] changes) => CheckAsync(version, modules, TextWriter.Null, changes);

    public async Task<(int Code, string Output)> CheckAsync(string? version, string? modules, TextWriter errors, params (string Right, string Wrong)[] changes)
    {
        if (!File.Exists(Library) && !Directory.Exists(Folder.File("conf")))
        {
            CompileLibrary(Loads);
        }

        if (modules is not (null or Given))
        {
            Compile(Nginx, Openresty, $"-DMODULES=\"{modules}\"");
        }

        if (version is not null)
        {
            Directory.CreateDirectory(Folder.File("apisix/core"));
            await File.WriteAllTextAsync(Folder.File("apisix/core/version.lua"), $"return {{ VERSION = \"{version}\" }}\n");
        }

        string text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "apisix-patch", Configuration));
        foreach ((string right, string wrong) in changes)
        {
            Assert.Contains(right, text);
            text = text.Replace(right, wrong, StringComparison.Ordinal);
        }

        Directory.CreateDirectory(Folder.File("conf"));
        await File.WriteAllTextAsync(Folder.File("conf/config.yaml"), text.Replace("/usr/local/amesh", Folder.Path, StringComparison.Ordinal));
        if (modules is null)
        {
            return await CheckWithoutNginxAsync();
        }

        var output = new StringWriter { NewLine = "\n" };
        int code = await Program.RunAsync(["precheck", "--apisix", Folder.Path, "--openresty", Openresty], output, errors);
        return (code, output.ToString());
    }

    // in a process of its own, for the PATH of this one may have a nginx
    private async Task<(int Code, string Output)> CheckWithoutNginxAsync()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { typeof(Program).Assembly.Location, "precheck", "--apisix", Folder.Path },
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = Folder.File("no-program");
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    public void CompileLibrary(string source) => Compile(source, Library, "-shared", "-fPIC", "-DWANTED=1");

    public static void Mode(string path, string octal)
    {
        using Process chmod = Process.Start("chmod", [octal, path]);
        chmod.WaitForExit();
        Assert.Equal(0, chmod.ExitCode);
    }

    public static void Compile(string source, string file, params string[] options)
    {
        string code = file + ".c";
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(code, source);
        // not written over: it may be loaded
        File.Delete(file);
        using Process gcc = Process.Start("gcc", [.. options, "-o", file, code]);
        gcc.WaitForExit();
        Assert.Equal(0, gcc.ExitCode);
    }
}
