using System.Diagnostics;
using Amesh.Cli;

namespace Amesh.Xds.Tests.Cli;

/// <summary><c>amesh precheck</c> against the configuration that users are given, and copies of it with something wrong.</summary>
public sealed class PrecheckTests : IDisposable
{
    private const string Loads = """
        #include <stdio.h>
        const char *amesh_version(void) { return "9.9.9"; }
        int amesh_start(int abi, void *c, void *v, const char *o, unsigned long n, char *err, unsigned long size)
        { snprintf(err, size, abi == WANTED ? "a shared dictionary is missing" : "libxds 9.9.9 has the interface %d", WANTED); return -1; }
        """;

    private readonly TemporaryFolder _folder = new();

    private string Library => _folder.File("libxds.so");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_given_configuration_passes()
    {
        (int code, string output) = await CheckAsync();
        Assert.DoesNotContain("WRONG", output);
        Assert.Contains("version 9.9.9", output);
        Assert.Contains("--uid-owner nobody", output);
        Assert.Contains("--to-ports 15001", output);
        Assert.EndsWith("All is well.\n", output);
        Assert.Equal(0, code);
    }

    [Theory]
    [InlineData("role: data_plane", "role: traditional", "deployment: role is traditional", "config_provider: xds")]
    [InlineData("config_provider: xds", "config_provider: yaml", "config_provider is yaml", "config_provider: xds")]
    [InlineData("extra_lua_path: ", "other_path: ", "apisix.extra_lua_path: is not set", "lua/?.lua")]
    [InlineData("/lua/?.lua", "/nowhere/?.lua", "does not lead to apisix/core/config_xds.lua", "lua/?.lua")]
    [InlineData("extra_lua_cpath: ", "other_path: ", "apisix.extra_lua_cpath is not set", "extra_lua_cpath")]
    [InlineData("    http: amesh", "    http: radixtree_uri", "apisix.router.http: is radixtree_uri", "http: amesh")]
    [InlineData("  - amesh", "  - cors", "plugins: amesh is not among them", "- amesh")]
    [InlineData("plugins:\n  - amesh", "other:\n  - amesh", "there is no list", "- amesh")]
    [InlineData("xds-config: 64m", "my-dict: 64m", "shared dictionary xds-config: is not declared", "xds-config: 64m")]
    [InlineData("xds-config: 64m", "xds-config: 100k", "xds-config: 100k is too small", "xds-config: 64m")]
    [InlineData("xds-config-version: 1m", "xds-config-version: much", "'much' is no size", "xds-config-version: 1m")]
    [InlineData("xds-config-version: 1m", "xds-config-version: 12k", "xds-config-version: 12k is too small", "xds-config-version: 1m")]
    [InlineData("amesh-locations.conf;", "other.conf;", "does not include amesh-locations.conf", "amesh-locations.conf")]
    [InlineData("apisix-patch/amesh", "nowhere/amesh", "is not there: nginx will not start", "amesh-locations.conf")]
    [InlineData("http_server_configuration_snippet", "other_snippet", "requests of the mesh have no location", "amesh-locations.conf")]
    [InlineData("  stream_proxy: {}\n", "", "apisix.stream_proxy: is not set", "stream_proxy: {}")]
    [InlineData("stream_plugins:\n  - amesh", "stream_plugins:\n  - syslog", "stream_plugins: amesh is not among them", "- amesh")]
    [InlineData("port: 15080", "port: 9080", "nothing listens on 15080, where http", "port: 15080")]
    [InlineData("port: 15443", "port: 9443", "nothing listens on 15443, where https", "port: 15443")]
    [InlineData("amesh-capture.conf;", "other.conf;", "does not include amesh-capture.conf", "amesh-capture.conf")]
    [InlineData("amesh-stream.conf;", "other.conf;", "does not include amesh-stream.conf", "amesh-stream.conf")]
    [InlineData("amesh-tcp.conf;", "other.conf;", "does not include amesh-tcp.conf", "amesh-tcp.conf")]
    [InlineData("  stream_configuration_snippet:", "  other_snippet:", "nothing listens for captured connections", "listen 15001")]
    [InlineData("source: grpc://", "source: http://", "'http' is no scheme of a source", "grpc://istiod")]
    [InlineData("source: grpc://istiod.istio-system.svc:15010", "source: recording:/nowhere", "there is no such folder", "grpc://istiod")]
    [InlineData("    source: grpc://istiod.istio-system.svc:15010", "    key: /nowhere", "plugin_attr.amesh.key: /nowhere is not there", "path")]
    [InlineData("protocol: delta", "protocol: rest", "'rest' is none", "delta or sotw")]
    [InlineData("protocol: delta", "protocoll: delta", "'protocoll' is no option", "protocol")]
    [InlineData("role: data_plane", "role: ${{AMESH_TEST_NOT_SET}}", "${{AMESH_TEST_NOT_SET}} has no value", "AMESH_TEST_NOT_SET")]
    public async Task What_is_wrong_is_told_with_its_cure(string right, string wrong, string finding, string cure)
    {
        (int code, string output) = await CheckAsync((right, wrong));
        string told = output[output.IndexOf("WRONG", StringComparison.Ordinal)..];
        Assert.Contains(finding, told);
        Assert.Contains("-> ", told);
        Assert.Contains(cure, told);
        Assert.Contains("to put right.", told);
        Assert.Equal(1, code);
    }

    [Theory]
    [InlineData("xds-config: 64m", "xds-config: 2m", "enough for a small mesh")]
    [InlineData("normalize_uri_like_servlet: false", "normalize_uri_like_servlet: true", "paths are changed")]
    [InlineData("proxy_mode: http&stream", "proxy_mode: http", "TCP connections of the mesh, and TLS that is not ended here, are not served")]
    [InlineData("    - POD_NAME\n", "", "nginx hides POD_NAME from the library")]
    [InlineData("nginx_config:\n", "nginx_config:\n  user: root\n", "run as root")]
    [InlineData("    source: grpc://istiod.istio-system.svc:15010\n", "", "comes from AMESH_SOURCE")]
    [InlineData("role: data_plane", "role: ${{AMESH_TEST_NOT_SET:=data_plane}} # ${{COMMENT}}", "")]
    public async Task What_may_be_meant_is_a_note(string right, string other, string note)
    {
        (int code, string output) = await CheckAsync((right, other));
        Assert.DoesNotContain("WRONG", output);
        Assert.Contains(note, output);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Without_a_source_anywhere_the_environment_has_to_be_let_through()
    {
        (int code, string output) = await CheckAsync(("    source: grpc://istiod.istio-system.svc:15010\n", ""), ("    - AMESH_SOURCE\n", ""));
        Assert.Contains("nginx hides AMESH_SOURCE", output);
        Assert.Equal(1, code);
    }

    [Fact]
    public async Task A_library_that_cannot_be_loaded_here_is_told_why()
    {
        Compile(Loads);
        byte[] good = File.ReadAllBytes(Library);
        await ToldAsync("is not an ELF file", "<html>"u8.ToArray());
        await ToldAsync("is not an ELF file", []);
        await ToldAsync("it is for another machine", With(18, 8));
        await ToldAsync("not a 64-bit library", With(4, 1));
        await ToldAsync("not a shared library", With(16, 2));
        Compile("int something_else(void) { return 1; }");
        await ToldAsync("is not Amesh's", File.ReadAllBytes(Library));
        File.Delete(Library);
        Assert.Contains("libxds.so: not in " + Library, (await CheckAsync(compile: false)).Output);

        byte[] With(int at, byte value)
        {
            byte[] changed = [.. good];
            changed[at] = value;
            return changed;
        }

        // A file of its own for each: a library once loaded is not loaded again.
        async Task ToldAsync(string why, byte[] content)
        {
            string other = Directory.CreateDirectory(_folder.File("lib" + content.Length + why.GetHashCode(StringComparison.Ordinal))).FullName;
            await File.WriteAllBytesAsync(Path.Combine(other, "libxds.so"), content);
            (int code, string output) = await CheckAsync(compile: false, (_folder.Path + "/?.so", other + "/?.so"));
            Assert.Contains(why, output);
            Assert.Equal(1, code);
        }
    }

    [Fact]
    public async Task Lua_files_and_a_library_of_different_versions_are_told()
    {
        Compile("#undef WANTED\n#define WANTED 2\n" + Loads);
        (int code, string output) = await CheckAsync(compile: false);
        Assert.Contains("has the interface 2", output);
        Assert.Equal(1, code);
    }

    [Fact]
    public async Task A_folder_that_is_no_home_of_an_APISIX_is_one_line()
    {
        var errors = new StringWriter();
        Assert.Equal(1, await Program.RunAsync(["precheck", "--apisix", _folder.Path], TextWriter.Null, errors));
        Assert.Contains("the folder with conf/config.yaml", errors.ToString());
    }

    private Task<(int Code, string Output)> CheckAsync(params (string Right, string Wrong)[] changes) => CheckAsync(compile: true, changes);

    private async Task<(int Code, string Output)> CheckAsync(bool compile, params (string Right, string Wrong)[] changes)
    {
        if (compile)
        {
            Compile(Loads);
        }

        string text = (await File.ReadAllTextAsync(Path.Combine(Repository.Root, "apisix-patch", "config.yaml")))
            .Replace("/usr/local/amesh/?.so", _folder.Path + "/?.so", StringComparison.Ordinal)
            .Replace("/usr/local/amesh", Repository.Root, StringComparison.Ordinal);
        foreach ((string right, string wrong) in changes)
        {
            Assert.Contains(right, text);
            text = text.Replace(right, wrong, StringComparison.Ordinal);
        }

        Directory.CreateDirectory(_folder.File("conf"));
        await File.WriteAllTextAsync(_folder.File("conf/config.yaml"), text);
        var output = new StringWriter { NewLine = "\n" };
        int code = await Program.RunAsync(["precheck", "--apisix", _folder.Path], output, TextWriter.Null);
        return (code, output.ToString());
    }

    private void Compile(string source)
    {
        string file = _folder.File("library.c");
        File.WriteAllText(file, source);
        // not written over: it may be loaded
        File.Delete(Library);
        using Process gcc = Process.Start("gcc", ["-shared", "-fPIC", "-DWANTED=1", "-o", Library, file]);
        gcc.WaitForExit();
        Assert.Equal(0, gcc.ExitCode);
    }
}
