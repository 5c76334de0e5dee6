using Amesh.Cli;

namespace Amesh.Xds.Tests.Cli;

/// <summary><c>amesh precheck</c> against the configuration that users are given, and copies of it with something wrong.</summary>
public sealed class PrecheckTests : IDisposable
{
    private readonly ApisixUnderCheck _apisix = new();

    private string Library => _apisix.Library;

    public void Dispose() => _apisix.Dispose();

    [Fact]
    public async Task The_given_configuration_passes()
    {
        (int code, string output) = await _apisix.CheckAsync();
        Assert.DoesNotContain("WRONG", output);
        Assert.Contains("version 9.9.9", output);
        Assert.Contains("--uid-owner nobody", output);
        Assert.Contains("--to-ports 15001", output);
        Assert.Contains("All is well.", output);
        Assert.DoesNotContain("note", output);
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
    [InlineData("apisix-patch/amesh", "nowhere/amesh", "nowhere/amesh-locations.conf", "the folder apisix-patch/")]
    [InlineData("http_server_configuration_snippet", "other_snippet", "requests of the mesh have no location", "amesh-locations.conf")]
    [InlineData("  stream_proxy:\n    tcp:\n      - 127.0.0.1:15095\n", "", "apisix.stream_proxy: is not set", "- 127.0.0.1:15095")]
    [InlineData("127.0.0.1:15095", "15001", "apisix.stream_proxy.tcp: port 15001 is in nginx_config.stream_configuration_snippet, too", "stream alone")]
    [InlineData("http&stream", "stream", "apisix.proxy_mode: is stream", "http&stream")]
    [InlineData("http&stream", "stream&http", "'stream&http' is none", "http&stream")]
    [InlineData("port: 15080", "port: \"15080\"", "\"15080\" is text", "15080")]
    [InlineData("listen 127.0.0.1:15090;", "listen 127.0.0.1:15092;", "nothing listens on 15090, where tcp", "15090")]
    [InlineData("    custom_lua_shared_dict:", "    other:", "nginx_config.http.other.xds-config: line", "nginx_config.http.custom_lua_shared_dict: xds-config")]
    [InlineData("plugins:\n  - amesh\nstream", "  plugins:\n    - amesh\nstream", "apisix.plugins: line", "the left margin: plugins")]
    [InlineData("plugin_attr:\n  amesh:", "plugin_attr:\n  prometheus: {}\namesh:", "amesh: line", "plugin_attr: amesh")]
    [InlineData("    source: grpc://istiod.istio-system.svc:15010\n    protocol: delta", "  source: grpc://istiod.istio-system.svc:15010\n  protocol: delta", "plugin_attr.source: line", "plugin_attr.amesh: source")]
    [InlineData("stream_plugins:\n  - amesh", "stream_plugins: amesh", "stream_plugins: is no list", "- amesh")]
    [InlineData("protocol: delta", "node: me", "plugin_attr.amesh.node: is no mapping", "node:")]
    [InlineData("amesh-capture.conf;\n    }", "amesh-capture.conf;", "a { is not closed", "config.yaml")]
    [InlineData("amesh-stream.conf;", "amesh-stream.conf", "has no ; at its end", "config.yaml")]
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
    [InlineData("protocol: delta", "objects: /nowhere.yaml", "plugin_attr.amesh.objects: /nowhere.yaml is not there", "path")]
    [InlineData("protocol: delta", "protocol: rest", "'rest' is none", "delta or sotw")]
    [InlineData("protocol: delta", "protocoll: delta", "'protocoll' is no option", "protocol")]
    [InlineData("role: data_plane", "role: ${{AMESH_TEST_NOT_SET}}", "${{AMESH_TEST_NOT_SET}} has no value", "AMESH_TEST_NOT_SET")]
    public async Task What_is_wrong_is_told_with_its_cure(string right, string wrong, string finding, string cure)
    {
        (int code, string output) = await _apisix.CheckAsync((right, wrong));
        string told = output[output.IndexOf("WRONG", StringComparison.Ordinal)..];
        Assert.Contains(finding, told);
        Assert.Contains("-> ", told);
        Assert.Contains(cure, told);
        Assert.Contains("to put right.", told);
        Assert.Equal(1, code);
    }

    [Theory]
    [InlineData("xds-config: 64m", "xds-config: 2m", "enough for a small mesh")]
    [InlineData("      amesh-outliers: 1m\n", "", "amesh-outliers: is not declared: no endpoint is ejected")]
    [InlineData("    ssl: amesh\n", "", "apisix.router.ssl: is not set")]
    [InlineData("location @amesh_http2 {", "location @other {", "has no location @amesh_http2")]
    [InlineData("        include /usr/local/amesh/apisix-patch/amesh-http2-tls.conf;\n", "", "does not include amesh-http2-tls.conf: what goes to endpoints that speak TLS is refused")]
    [InlineData("    protocol: delta", "    protocol: delta\n    state_file: /var/lib/amesh/state\n    sds: off", "")]
    [InlineData("    protocol: delta", "    transparent: [15006]", "does not include amesh-transparent.conf")]
    [InlineData("normalize_uri_like_servlet: false", "normalize_uri_like_servlet: true", "paths are changed")]
    [InlineData("proxy_mode: http&stream", "proxy_mode: http", "TCP connections of the mesh, and TLS that is not ended here, are not served")]
    [InlineData("    - POD_NAME\n", "", "nginx hides POD_NAME from the library")]
    [InlineData("nginx_config:\n", "nginx_config:\n  user: root\n", "run as root")]
    [InlineData("    source: grpc://istiod.istio-system.svc:15010\n", "", "comes from AMESH_SOURCE")]
    [InlineData("role: data_plane", "role: ${{AMESH_TEST_NOT_SET:=data_plane}} # ${{COMMENT}}", "")]
    public async Task What_may_be_meant_is_a_note(string right, string other, string note)
    {
        (int code, string output) = await _apisix.CheckAsync((right, other));
        Assert.DoesNotContain("WRONG", output);
        Assert.Contains(note, output);
        Assert.Equal(0, code);
    }

    [Theory]
    [InlineData("  http:\n", "\thttp:\n", "is indented by a tab")]
    [InlineData("nginx_config:\n", "plugin_attr: {}\nnginx_config:\n", "Duplicate key plugin_attr: APISIX takes the last one alone")]
    [InlineData("  node_listen:\n", "  node_listen\n", "is a colon missing")]
    public async Task A_file_that_is_no_YAML_is_told_by_its_line(string right, string wrong, string told)
    {
        var errors = new StringWriter();
        (int code, _) = await _apisix.CheckAsync("3.18.0", ApisixUnderCheck.Able, errors, (right, wrong));
        Assert.Equal(1, code);
        Assert.Contains("config.yaml: line ", errors.ToString());
        Assert.Contains(told, errors.ToString());
    }

    [Fact]
    public async Task What_another_role_has_is_not_misplaced()
    {
        (_, string output) = await _apisix.CheckAsync(("  role_data_plane:\n", "  role_traditional:\n"));
        Assert.Contains("role_data_plane.config_provider is not set", output);
        Assert.DoesNotContain("nobody reads it", output);
    }

    [Fact]
    public async Task A_variable_that_nginx_hides_is_a_note()
    {
        (_, string output) = await _apisix.CheckAsync(("    - AMESH_STATE_FILE\n", ""));
        Assert.DoesNotContain("AMESH_STATE_FILE is set here", output);
        Environment.SetEnvironmentVariable("AMESH_STATE_FILE", "/tmp/state");
        try
        {
            (_, output) = await _apisix.CheckAsync(("    - AMESH_STATE_FILE\n", ""));
            Assert.Contains("AMESH_STATE_FILE is set here, and nginx hides it", output);
        }
        finally
        {
            Environment.SetEnvironmentVariable("AMESH_STATE_FILE", null);
        }
    }

    [Fact]
    public async Task What_workers_cannot_read_is_told()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return; // only root gives its workers another user
        }

        string closed = Directory.CreateDirectory(_apisix.Folder.File("closed")).FullName;
        ApisixUnderCheck.Mode(closed, "700");
        File.CreateSymbolicLink(Path.Combine(closed, "lua"), Path.Combine(Repository.Root, "lua"));
        (int code, string output) = await _apisix.CheckAsync(("/usr/local/amesh" + "/lua/?.lua", closed + "/lua/?.lua"));
        Assert.Contains($"cannot read it, {closed} is closed to them", output);
        Assert.Contains($"chmod -R a+rX {closed}", output);
        Assert.Equal(1, code);
    }

    [Fact]
    public async Task The_library_is_read_by_the_user_of_the_master()
    {
        _apisix.CompileLibrary(ApisixUnderCheck.Loads);
        ApisixUnderCheck.Mode(Library, "600");
        (int code, _) = await _apisix.CheckAsync();
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Without_a_source_anywhere_the_environment_has_to_be_let_through()
    {
        (int code, string output) = await _apisix.CheckAsync(("    source: grpc://istiod.istio-system.svc:15010\n", ""), ("    - AMESH_SOURCE\n", ""));
        Assert.Contains("nginx hides AMESH_SOURCE", output);
        Assert.Equal(1, code);
    }

    [Fact]
    public async Task A_library_that_cannot_be_loaded_here_is_told_why()
    {
        _apisix.CompileLibrary(ApisixUnderCheck.Loads);
        byte[] good = File.ReadAllBytes(Library);
        await ToldAsync("is not an ELF file", "<html>"u8.ToArray());
        await ToldAsync("is not an ELF file", []);
        await ToldAsync("it is for another machine", With(18, 8));
        await ToldAsync("not a 64-bit library", With(4, 1));
        await ToldAsync("not a shared library", With(16, 2));
        _apisix.CompileLibrary("int something_else(void) { return 1; }");
        await ToldAsync("is not Amesh's", File.ReadAllBytes(Library));
        File.Delete(Library);
        Assert.Contains("libxds.so: not in " + Library, (await _apisix.CheckAsync()).Output);

        byte[] With(int at, byte value)
        {
            byte[] changed = [.. good];
            changed[at] = value;
            return changed;
        }

        // A file of its own for each: a library once loaded is not loaded again.
        async Task ToldAsync(string why, byte[] content)
        {
            string other = Directory.CreateDirectory(_apisix.Folder.File("lib" + content.Length + why.GetHashCode(StringComparison.Ordinal))).FullName;
            await File.WriteAllBytesAsync(Path.Combine(other, "libxds.so"), content);
            (int code, string output) = await _apisix.CheckAsync(("/usr/local/amesh" + "/?.so", other + "/?.so"));
            Assert.Contains(why, output);
            Assert.Equal(1, code);
        }
    }

    [Fact]
    public async Task Lua_files_and_a_library_of_different_versions_are_told()
    {
        _apisix.CompileLibrary("#undef WANTED\n#define WANTED 2\n" + ApisixUnderCheck.Loads);
        (int code, string output) = await _apisix.CheckAsync();
        Assert.Contains("has the interface 2", output);
        Assert.Equal(1, code);
    }

    [Fact]
    public async Task A_folder_that_is_no_home_of_an_APISIX_is_one_line()
    {
        var errors = new StringWriter();
        Assert.Equal(1, await Program.RunAsync(["precheck", "--apisix", _apisix.Folder.Path], TextWriter.Null, errors));
        Assert.Contains("the folder with conf/config.yaml", errors.ToString());
    }
}
