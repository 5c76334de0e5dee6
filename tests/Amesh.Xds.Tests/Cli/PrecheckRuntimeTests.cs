using System.Text.RegularExpressions;
using Amesh.Cli.Precheck;

namespace Amesh.Xds.Tests.Cli;

/// <summary><c>amesh precheck</c> where what is right depends on APISIX's version, and on the nginx that it runs on.</summary>
public sealed class PrecheckRuntimeTests : IDisposable
{
    private readonly ApisixUnderCheck _apisix = new();

    public void Dispose() => _apisix.Dispose();

    [Theory]
    [InlineData("3.9.1", "")]
    [InlineData("3.12.0", "ngx_stream_pass_module")]
    public async Task The_one_for_HTTP_passes_where_nginx_can_no_more(string version, string modules)
    {
        _apisix.Configuration = "config-http.yaml";
        (int code, string output) = await _apisix.CheckAsync(version, modules);
        Assert.DoesNotContain("WRONG", output);
        Assert.Contains("apisix.node_listen: 15001, 15006", output);
        Assert.Equal(0, code);
    }

    [Fact]
    public void The_one_for_HTTP_is_the_other_without_what_needs_more()
    {
        string[] rest = [.. Settings("config-http.yaml").Except(Settings("config.yaml"))];
        Assert.Equal(["- 15001", "- 15006", "enable: false", "http_configuration_snippet: |", "upstream amesh_http2 {", "server 0.0.0.1;",
            "balancer_by_lua_block { apisix.http_balancer_phase() }", "keepalive 320;", "set $amesh_http2_backend amesh_http2;"], rest);
        Assert.DoesNotContain(Settings("config-http.yaml"), static line => line.Contains("-tls.conf", StringComparison.Ordinal) || line.Contains("stream_p", StringComparison.Ordinal));

        static HashSet<string> Settings(string file) =>
            [.. File.ReadLines(Path.Combine(Repository.Root, "apisix-patch", file)).Select(static line => line.Trim()).Where(static line => line is not "" && line[0] != '#')];
    }

    [Theory]
    [InlineData("3.9.1", "", "proxy_mode: this nginx (openresty/1.2.3.4) cannot hand connections", "config-http.yaml")]
    [InlineData("3.9.1", "", "snippet: includes amesh-upstream-tls.conf and amesh-http2-tls.conf, which this nginx (openresty/1.2.3.4) does not understand", "leave the includes out")]
    [InlineData("3.14.1", "ngx_stream_pass_module", "mixes up kept connections of HTTP/1.1 and HTTP/2", "config-http.yaml")]
    [InlineData("3.14.1", "ngx_stream_pass_module", "stream_configuration_snippet: includes amesh-upstream-tls.conf, which", "leave the includes out")]
    [InlineData("3.14.1", "ngx_stream_pass_module", "snippet: includes amesh-reload.conf (keepalive_min_timeout), which this nginx (openresty/1.2.3.4) does not understand", "leave it out")]
    public async Task What_a_nginx_cannot_is_told(string version, string modules, string finding, string cure)
    {
        (int code, string output) = await _apisix.CheckAsync(version, modules);
        Assert.Contains(finding, output);
        Assert.Contains(cure, output);
        Assert.Equal(modules.Length > 0, !output.Contains("cannot hand", StringComparison.Ordinal));
        Assert.Equal(1, code);
    }

    [Theory]
    [InlineData("3.18.0", ApisixUnderCheck.Able, "http_server_configuration_snippet: does not include amesh-reload.conf: a reload closes kept connections", "    include /usr/local/amesh/apisix-patch/amesh-reload.conf;")]
    [InlineData("3.14.1", "ngx_stream_pass_module", "note   reload: this nginx (openresty/1.2.3.4) closes kept connections at a reload", "take APISIX 3.17")]
    [InlineData("3.18.0", null, "All is well", "no openresty")]
    public async Task Kept_connections_in_a_reload(string version, string? modules, string finding, string cure)
    {
        const string Include = "    include /usr/local/amesh/apisix-patch/amesh-reload.conf;\n";
        (_, string output) = await _apisix.CheckAsync(version, modules, (Include, ""));
        Assert.Contains(finding, output);
        Assert.Contains(cure, output);
        (_, output) = await _apisix.CheckAsync(version, modules, (Include, "    keepalive_min_timeout 60s;\n"));
        Assert.DoesNotContain("does not include amesh-reload.conf", output);
        Assert.Equal(version == "3.14.1", output.Contains("(keepalive_min_timeout), which this nginx", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("3.9.1", "WRONG  apisix.stream_proxy: has no port: APISIX 3.9.1 makes a server without `listen`")]
    [InlineData("3.17.0", "WRONG  apisix.stream_proxy: has no port: APISIX 3.17.0 makes")]
    [InlineData(null, "note   apisix.stream_proxy: has no port: APISIX before 3.18 makes")]
    [InlineData("3.18.0", null)]
    public async Task Templates_that_want_a_port_are_told(string? version, string? finding)
    {
        (_, string output) = await _apisix.CheckAsync(version, ApisixUnderCheck.Able, ("  stream_proxy:\n    tcp:\n      - 127.0.0.1:15095\n", "  stream_proxy: {}\n"));
        Assert.Equal(finding is not null, output.Contains("stream_proxy", StringComparison.Ordinal));
        Assert.Contains(finding ?? "All is well", output);
        Assert.Equal(finding is not null, output.Contains("- 127.0.0.1:15095", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("3.9.1", "this nginx (the one that APISIX 3.9.1 comes with) cannot hand connections")]
    [InlineData("3.12.0", "includes amesh-upstream-tls.conf, which this nginx (the one that APISIX 3.12.0 comes with) does not understand")]
    [InlineData("3.17.0", "All is well")]
    [InlineData(null, "it is taken to be unknown")]
    public async Task Without_a_nginx_it_is_the_one_that_APISIX_comes_with(string? version, string told)
    {
        (_, string output) = await _apisix.CheckAsync(version, null);
        Assert.Contains(told, output);
        Assert.Contains("there is no openresty on the PATH", output);
    }

    [Fact]
    public async Task A_nginx_behind_a_script_is_looked_into()
    {
        ApisixUnderCheck.Compile(ApisixUnderCheck.Nginx, _apisix.Folder.File("nginx/sbin/nginx"), "-DMODULES=\"none\"");
        File.WriteAllText(_apisix.Openresty, $"#!/bin/sh\necho 'nginx version: openresty/1.25.3.1 configure arguments: --prefix={_apisix.Folder.File("nginx")} --with-stream' >&2\n");
        ApisixUnderCheck.Mode(_apisix.Openresty, "755");
        (_, string output) = await _apisix.CheckAsync("3.18.0", ApisixUnderCheck.Given);
        Assert.Contains("this nginx (openresty/1.25.3.1) cannot hand connections", output);
    }

    [Fact]
    public void All_options_are_known()
    {
        IEnumerable<string> library = Regex.Matches(File.ReadAllText(Path.Combine(Repository.Root, "src/Amesh.Native/StartOptions.cs")), @"public \S+ (\w+) \{ get; init; \}|public .*> ?\?? (\w+) \{ get; init; \}")
            .Select(static match => match.Groups[1].Value + match.Groups[2].Value).Select(static name => Regex.Replace(name, "(?<=[a-z])[A-Z]", "_$0").ToLowerInvariant());
        string lua = File.ReadAllText(Path.Combine(Repository.Root, "lua/apisix/amesh/library.lua"));
        IEnumerable<string> ours = Regex.Matches(Regex.Match(lua, @"LUA_OPTIONS = \{(.*?)\}", RegexOptions.Singleline).Groups[1].Value, @"(\w+) = true").Select(static match => match.Groups[1].Value);
        Assert.Equal(library.Concat(ours).Order(StringComparer.Ordinal), SourceCheck.Options.Order(StringComparer.Ordinal));
    }
}
