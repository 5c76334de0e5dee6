using System.Diagnostics;
using System.Runtime.InteropServices;
using Amesh.Cli;
using Amesh.Xds.Recordings;
using Amesh.Xds.Tests.Ads;

namespace Amesh.Xds.Tests.Cli;

public sealed class ProgramTests
{
    [Theory]
    [InlineData("no such folder", "replay", "/nowhere")]
    [InlineData("no step 'x'; there are: base", "replay", "@istio/bookinfo", "--step", "x", "--port", "0")]
    [InlineData("it has no scheme", "record", "/tmp/never", "--server", "nonsense", "--node", "@istio/bookinfo/node.json")]
    [InlineData("not a control plane", "record", "/tmp/never", "--server", "file:/tmp", "--node", "@istio/bookinfo/node.json")]
    [InlineData("there is no file of resources in it", "translate", "--files", "!empty")]
    [InlineData("--cert and --key go together", "translate", "--server", "grpcs://127.0.0.1:1", "--cert", "c.pem", "--node", "@istio/bookinfo/node.json")]
    [InlineData("grpc://127.0.0.1:1 is without TLS", "record", "!r", "--server", "grpc://127.0.0.1:1", "--ca", "ca.pem", "--node", "@istio/bookinfo/node.json")]
    [InlineData("metadata name 'a b' may only have lower-case letters, digits, '-', '_' and '.'", "translate", "--server", "grpc://127.0.0.1:1", "--header", "a b: c", "--node", "@istio/bookinfo/node.json")]
    [InlineData("node.json: the node has no id", "record", "/tmp/never", "--server", "grpc://127.0.0.1:1", "--node", "!node.json")]
    public async Task Bad_input_is_one_line_and_a_code(string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("node.json"), "{}");
        Directory.CreateDirectory(folder.File("empty"));
        var errors = new StringWriter();
        int code = await Program.RunAsync([.. arguments.Select(Expand)], TextWriter.Null, errors);
        Assert.DoesNotContain("(Parameter", errors.ToString());
        Assert.Equal(1, code);
        string line = Assert.Single(errors.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("amesh: ", line);
        Assert.Contains(message, line);

        string Expand(string argument) => argument[0] switch
        {
            '@' => Repository.Sample(argument[1..]),
            '!' => folder.File(argument[1..]),
            _ => argument,
        };
    }

    [Theory]
    [InlineData("record", "/tmp/never")]
    [InlineData("record", "/tmp/never", "--server", "grpc://x:1", "--sotw", "--delta")]
    [InlineData("replay", "/tmp", "--timer", "soon")]
    [InlineData("nonsense")]
    public async Task Bad_usage_is_a_code(params string[] arguments)
    {
        var errors = new StringWriter();
        Assert.NotEqual(0, await Program.RunAsync(arguments, TextWriter.Null, errors));
        Assert.NotEmpty(errors.ToString());
    }

    [Fact]
    public async Task A_mesh_is_recorded_without_its_keys_unless_asked_to_keep_them()
    {
        using var folder = new TemporaryFolder();
        await using ReplaySession session = await ReplaySession.StartAsync("istio/gateway", null);
        session.Server.MoveTo("https");
        foreach (bool keep in new[] { false, true })
        {
            string target = folder.File(keep ? "keep" : "clean");
            string[] arguments =
            [
                "record", target, "--server", $"grpc://{session.Server.Addresses[0].Authority}", "--node", Path.Combine(Repository.Sample("istio/gateway"), "node.json"),
                "--sotw", .. keep ? new[] { "--keep-private-keys" } : [],
            ];
            using var stop = new CancellationTokenSource();
            var errors = new StringWriter();
            Task<int> run = Program.RunAsync(arguments, TextWriter.Null, errors, stop.Token);
            await Eventually.True(() => session.Server.Streams.Any(stream => stream.Watches.Any(watch => watch.TypeUrl == TypeUrls.Secret && watch.Acks > 0)), () => "secrets");
            await stop.CancelAsync();
            Assert.True(await run == 0, errors.ToString());
            await Eventually.True(() => session.Server.Streams.Count == 0, () => "the client is gone");

            RecordedState state = RecordedState.AtEachStep(Recording.Open(target), Xds.Ads.AdsProtocol.Sotw)[^1];
            Assert.NotEmpty(state.Of(TypeUrls.Secret));
            Assert.Equal(keep, state.Of(TypeUrls.Secret).Values.Any(body => body.Span.IndexOf("PRIVATE KEY"u8) >= 0));
        }
    }

    [Fact]
    public async Task A_control_plane_that_is_not_there_is_told()
    {
        using var folder = new TemporaryFolder();
        var errors = new StringWriter();
        // And another attempt finds no recording of nothing in its way. A machine with much to do needs longer for the first try.
        foreach (string time in (string[])["300ms", "3s", "20s"])
        {
            errors.GetStringBuilder().Clear();
            int code = await Program.RunAsync(
                ["record", folder.File("r"), "--server", "grpc://127.0.0.1:1", "--node", Path.Combine(Repository.Sample("istio/bookinfo"), "node.json"), "--for", time], TextWriter.Null, errors);
            Assert.Equal(1, code);
            if (time != "300ms" && errors.ToString().Contains("Unavailable", StringComparison.Ordinal))
            {
                break;
            }
        }

        Assert.Contains("amesh: grpc://127.0.0.1:1: nothing was received: Unavailable", errors.ToString());
    }

    [Fact]
    public async Task A_recording_that_is_interrupted_is_whole()
    {
        using var folder = new TemporaryFolder();
        await using ReplaySession session = await ReplaySession.StartAsync("istio/bookinfo", null);
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList =
            {
                typeof(Program).Assembly.Location, "record", folder.File("r"), "--server", $"grpc://{session.Server.Addresses[0].Authority}",
                "--node", Path.Combine(Repository.Sample("istio/bookinfo"), "node.json"),
            },
        };
        using Process record = Process.Start(start)!;
        await Eventually.True(() => session.Server.Streams.Any(stream => stream.Watches.Any(watch => watch.TypeUrl == TypeUrls.RouteConfiguration && watch.Acks > 0)), () => "routes");

        const int Terminate = 15;
        Assert.Equal(0, Kill(record.Id, Terminate));
        await record.WaitForExitAsync();

        Assert.Equal(0, record.ExitCode);
        Assert.NotEmpty(RecordedState.AtEachStep(Recording.Open(folder.File("r")), Xds.Ads.AdsProtocol.Delta)[^1].Of(TypeUrls.RouteConfiguration));
    }

    [Fact]
    public async Task A_translation_that_is_interrupted_says_so_by_its_code()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        Assert.Equal(130, await Program.RunAsync(
            ["translate", "--server", "grpc://127.0.0.1:1", "--node", Path.Combine(Repository.Sample("istio/bookinfo"), "node.json")], TextWriter.Null, TextWriter.Null, stop.Token));
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
