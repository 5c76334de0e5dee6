using System.IO.Compression;
using System.Text.Json;
using Amesh.Xds.Ads;
using Amesh.Xds.Json;

namespace Amesh.Xds.Recordings;

/// <summary>
/// A folder with what a control plane sent to one proxy: <c>sotw.pb.gz</c> and/or <c>delta.pb.gz</c> (gzip of responses, each
/// after its length as a varint), <c>sotw.events.json</c> / <c>delta.events.json</c> (or <c>.json.gz</c>: every message with its
/// step, and for responses <c>offset</c> and <c>length</c> in the unzipped file, the length with its varint), <c>node.json</c>
/// (the node that was announced) and perhaps <c>scenario.yaml</c>, of which only the names of the steps are read.
/// </summary>
public sealed class Recording
{
    private readonly Dictionary<AdsProtocol, RecordedTraffic> _streams = [];

    private Recording(string directory) => Directory = directory;

    /// <summary>The folder.</summary>
    public string Directory { get; }

    /// <summary>The steps in order. One in which nothing was sent is there too if <c>scenario.yaml</c> names it.</summary>
    public IReadOnlyList<string> Steps { get; private set; } = [];

    /// <summary>The protocols that were recorded; at least one.</summary>
    public IReadOnlyCollection<AdsProtocol> Protocols => _streams.Keys;

    /// <summary>Reads a recording whole.</summary>
    /// <exception cref="SourceException">The folder is no recording, or something in it is broken; the message names the file.</exception>
    public static Recording Open(string directory)
    {
        if (!System.IO.Directory.Exists(directory))
        {
            throw new SourceException($"{directory}: there is no such folder");
        }

        var recording = new Recording(directory);
        foreach (AdsProtocol protocol in new[] { AdsProtocol.Sotw, AdsProtocol.Delta })
        {
            string messages = Path.Combine(directory, FileName(protocol) + ".pb.gz");
            if (File.Exists(messages))
            {
                recording._streams.Add(protocol, Read(messages, EventsFile(directory, protocol), protocol));
            }
        }

        if (recording._streams.Count == 0)
        {
            throw new SourceException($"{directory}: no recording: neither sotw.pb.gz nor delta.pb.gz is in it");
        }

        recording.Steps = StepsOf(directory, recording._streams.Values);
        return recording;
    }

    /// <summary>The stream of a protocol, or the other one where that was not recorded.</summary>
    public RecordedTraffic Stream(AdsProtocol preferred) =>
        _streams.TryGetValue(preferred, out RecordedTraffic? stream) ? stream : _streams.Values.First();

    /// <summary>The text of <c>node.json</c>; null where there is none.</summary>
    public string? ReadNode()
    {
        string file = Path.Combine(Directory, "node.json");
        return File.Exists(file) ? File.ReadAllText(file) : null;
    }

    /// <summary>The place of a step.</summary>
    /// <exception cref="SourceException">There is no such step; the message lists those there are.</exception>
    public int IndexOf(string step)
    {
        for (int i = 0; i < Steps.Count; i++)
        {
            if (Steps[i] == step)
            {
                return i;
            }
        }

        throw new SourceException($"{Directory}: no step '{step}'; there are: {string.Join(", ", Steps)}");
    }

    internal static string FileName(AdsProtocol protocol) => protocol == AdsProtocol.Sotw ? "sotw" : "delta";

    private static string EventsFile(string directory, AdsProtocol protocol)
    {
        string file = Path.Combine(directory, FileName(protocol) + ".events.json");
        return File.Exists(file) ? file : File.Exists(file + ".gz") ? file + ".gz"
            : throw new SourceException($"{file}: missing; it tells where the steps of {FileName(protocol)}.pb.gz begin");
    }

    private static RecordedTraffic Read(string messagesFile, string eventsFile, AdsProtocol protocol)
    {
        ReadOnlyMemory<byte> messages = Load(messagesFile);
        string at = eventsFile;
        try
        {
            using JsonDocument document = JsonDocument.Parse(Load(eventsFile));
            var events = new List<RecordedEvent>();
            foreach (JsonElement item in document.RootElement.EnumerateArray())
            {
                at = $"{eventsFile}: event {events.Count}";
                events.Add(EventOf(item, messages));
            }

            return new RecordedTraffic(protocol, events);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new SourceException($"{at}: {e.Message.Split('\n')[0]}", e);
        }
    }

    private static RecordedEvent EventOf(JsonElement item, ReadOnlyMemory<byte> messages)
    {
        bool isResponse = item.GetProperty("dir").GetString() == "response";
        return new RecordedEvent
        {
            Step = item.GetProperty("step").GetString() ?? "",
            AtMilliseconds = item.TryGetProperty("at_ms", out JsonElement ms) ? ms.GetInt64() : 0,
            IsResponse = isResponse,
            TypeUrl = item.GetProperty("type_url").GetString() ?? "",
            Version = Text(item, "version"),
            Nonce = Text(item, "nonce"),
            Names = Names(item, isResponse ? "resources" : "resource_names"),
            Subscribe = Names(item, "subscribe"),
            Unsubscribe = Names(item, "unsubscribe"),
            Removed = Names(item, "removed"),
            Error = item.TryGetProperty("error", out JsonElement error) ? error.GetString() : null,
            Message = isResponse ? Cut(messages, item.GetProperty("offset").GetInt64(), item.GetProperty("length").GetInt64()) : default,
        };
    }

    private static ReadOnlyMemory<byte> Cut(ReadOnlyMemory<byte> messages, long offset, long length)
    {
        if (offset < 0 || length < 1 || offset + length > messages.Length)
        {
            throw new FormatException($"offset {offset}, length {length}: the messages have only {messages.Length} bytes");
        }

        ReadOnlyMemory<byte> framed = messages.Slice((int)offset, (int)length);
        int prefix = 0;
        while (prefix < framed.Length && framed.Span[prefix++] >= 0x80)
        {
        }

        return framed[prefix..];
    }

    private static byte[] Load(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            using Stream plain = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
            var bytes = new MemoryStream();
            plain.CopyTo(bytes);
            return bytes.ToArray();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"{file}: {e.Message}", e);
        }
    }

    private static List<string> StepsOf(string directory, IEnumerable<RecordedTraffic> streams)
    {
        List<string> seen = [.. streams.SelectMany(stream => stream.Events).Select(recorded => recorded.Step).Distinct()];
        string scenario = Path.Combine(directory, "scenario.yaml");
        if (!File.Exists(scenario))
        {
            return seen;
        }

        using JsonDocument document = YamlJson.ParseOne(File.ReadAllText(scenario), scenario);
        List<string> told = [];
        if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("steps", out JsonElement steps)
            && steps.ValueKind == JsonValueKind.Array)
        {
            told.AddRange(steps.EnumerateArray().Select(step => Text(step, "name")).Where(name => name.Length > 0));
        }

        // A scenario that does not know all the steps is of another recording.
        return seen.All(told.Contains) ? told : seen;
    }

    private static string Text(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";

    private static string[] Names(JsonElement item, string name) =>
        item.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(entry => entry.GetString() ?? "")]
            : [];
}
