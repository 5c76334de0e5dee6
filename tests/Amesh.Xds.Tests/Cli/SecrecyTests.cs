using Amesh.Cli;
using Amesh.Xds.Recordings;
using Amesh.Xds.Tests.Ads;

namespace Amesh.Xds.Tests.Cli;

/// <summary>Private keys are looked for in all that the commands print and write.</summary>
public sealed class SecrecyTests
{
    public static TheoryData<string> Recordings => [.. KeyMaterial.Recordings];

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Translate_shows_no_private_key_at_any_step(string recording)
    {
        IReadOnlySet<string> keys = KeyMaterial.Of(recording);
        bool shown = false;
        foreach (string step in Recording.Open(Repository.Sample(recording)).Steps)
        {
            foreach (string[] format in new string[][] { [], ["--yaml"] })
            {
                var output = new StringWriter();
                var errors = new StringWriter();
                Assert.Equal(0, await Program.RunAsync(["translate", "--recording", Repository.Sample(recording), "--step", step, .. format], output, errors));
                KeyMaterial.AssertAbsent(keys, output.ToString(), $"{step}: output");
                KeyMaterial.AssertAbsent(keys, errors.ToString(), $"{step}: errors");
                shown |= output.ToString().Contains("redacted, SHA-256", StringComparison.Ordinal);
            }
        }

        Assert.True(shown);
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Replay_and_record_show_and_write_no_private_key(string recording)
    {
        IReadOnlySet<string> keys = KeyMaterial.Of(recording);
        using var folder = new TemporaryFolder();
        await using ReplaySession session = await ReplaySession.StartAsync(recording, null);
        Assert.True(session.Server.MoveTo(Recording.Open(Repository.Sample(recording)).Steps[^3]));
        var output = new StringWriter();
        var errors = new StringWriter();
        string[] protocol = recording.StartsWith("osm", StringComparison.Ordinal) ? ["--sotw"] : [];
        using var stop = new CancellationTokenSource();
        Task<int> recorded = Program.RunAsync(
            ["record", folder.File("out"), "--server", $"grpc://{session.Server.Addresses[0].Authority}", "--node", Repository.Sample($"{recording}/node.json"), .. protocol],
            TextWriter.Synchronized(output),
            errors,
            stop.Token);
        string last = session.Server.Current.Of(TypeUrls.Secret).Count > 0 ? TypeUrls.Secret : TypeUrls.Listener;
        await Eventually.True(() => session.Server.Streams.Any(stream => stream.Watches.Any(watch => watch.TypeUrl == last && watch.Acks > 0)), () => "everything is recorded");
        await stop.CancelAsync();
        int code = await recorded;

        Assert.True(code == 0, errors.ToString());
        KeyMaterial.AssertAbsent(keys, output + errors.ToString(), "record's output");
        KeyMaterial.AssertAbsent(keys, Amesh.Cli.Replay.ReplayStateJson.Write(session.Server), "replay's state");
        foreach (string file in Directory.EnumerateFiles(folder.File("out")))
        {
            KeyMaterial.AssertAbsent(keys, Text(file), file);
        }

        // And what was recorded without them can be shown.
        output = new StringWriter();
        Assert.True(await Program.RunAsync(["translate", "--recording", folder.File("out")], output, errors) == 0, errors.ToString());
        KeyMaterial.AssertAbsent(keys, output.ToString(), "the translation");
    }

    private static string Text(string file)
    {
        using FileStream stream = File.OpenRead(file);
        using Stream plain = file.EndsWith(".gz", StringComparison.Ordinal)
            ? new System.IO.Compression.GZipStream(stream, System.IO.Compression.CompressionMode.Decompress) : stream;
        var bytes = new MemoryStream();
        plain.CopyTo(bytes);
        return System.Text.Encoding.Latin1.GetString(bytes.ToArray());
    }
}
