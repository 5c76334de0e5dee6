using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using Amesh.Xds.Ads;
using Amesh.Xds.Nodes;
using Envoy.Config.Core.V3;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;

namespace Amesh.Xds.Recordings;

/// <summary>
/// Writes a stream down as a <see cref="Recording"/>. Give it to a client as its observer, name the steps with
/// <see cref="BeginStep"/>, and dispose of it at the end. One thread at a time.
/// </summary>
public sealed class RecordingWriter : IAdsObserver, IDisposable
{
    private readonly string _directory;
    private readonly bool _keepPrivateKeys;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Dictionary<AdsProtocol, OpenStream> _streams = [];
    private readonly TimeSpan? _cutAfter;
    private string _step = "base";
    private int _steps = 1;
    private long? _lastMessage;
    private bool _failed;

    /// <summary>Makes the folder and writes <c>node.json</c>.</summary>
    /// <param name="directory">A folder that does not exist, or has no recording in it.</param>
    /// <param name="node">Who the client is.</param>
    /// <param name="keepPrivateKeys">Whether private keys and passwords stay in what is written.</param>
    /// <param name="cutAfter">A response after so long a silence begins a step of its own; null = only <see cref="BeginStep"/> does.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SourceException">The folder cannot be written to, or has a recording in it.</exception>
    public RecordingWriter(string directory, Node node, bool keepPrivateKeys, TimeSpan? cutAfter = null, TimeProvider? time = null)
    {
        _directory = directory;
        _keepPrivateKeys = keepPrivateKeys;
        _cutAfter = cutAfter;
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        try
        {
            Directory.CreateDirectory(directory);
            if (Directory.EnumerateFiles(directory, "*.pb.gz").Any())
            {
                throw new SourceException($"{directory}: there is a recording in it already");
            }

            File.WriteAllText(Path.Combine(directory, "node.json"), NodeJson.Write(node));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"{directory}: {e.Message}", e);
        }
    }

    /// <summary>How many responses have been written.</summary>
    public int Responses { get; private set; }

    /// <summary>The step that what comes now belongs to.</summary>
    public string Step => _step;

    /// <summary>What comes from now on belongs to this step.</summary>
    public void BeginStep(string name)
    {
        _step = name;
        _steps++;
    }

    /// <inheritdoc/>
    /// <exception cref="SourceException">It cannot be written.</exception>
    public void Sending(AdsProtocol protocol, ReadOnlyMemory<byte> message) => Try(() => WriteRequest(protocol, message));

    /// <inheritdoc/>
    /// <exception cref="SourceException">It cannot be written.</exception>
    public void Received(AdsProtocol protocol, ReadOnlyMemory<byte> message) => Try(() => WriteResponse(protocol, message));

    private void WriteRequest(AdsProtocol protocol, ReadOnlyMemory<byte> message)
    {
        _lastMessage = _time.GetTimestamp();
        OpenStream stream = StreamOf(protocol);
        if (protocol == AdsProtocol.Sotw)
        {
            DiscoveryRequest request = DiscoveryRequest.Parser.ParseFrom(message.Span);
            stream.Begin(_step, ElapsedMilliseconds, "request", request.TypeUrl, request.VersionInfo, request.ResponseNonce);
            stream.Names("resource_names", request.ResourceNames);
            stream.End(request.ErrorDetail?.Message);
        }
        else
        {
            DeltaDiscoveryRequest request = DeltaDiscoveryRequest.Parser.ParseFrom(message.Span);
            stream.Begin(_step, ElapsedMilliseconds, "request", request.TypeUrl, "", request.ResponseNonce);
            stream.Names("subscribe", request.ResourceNamesSubscribe);
            stream.Names("unsubscribe", request.ResourceNamesUnsubscribe);
            stream.End(request.ErrorDetail?.Message);
        }
    }

    private void WriteResponse(AdsProtocol protocol, ReadOnlyMemory<byte> message)
    {
        Response response;
        try
        {
            response = Dialect.Of(protocol).Read(message);
            message = _keepPrivateKeys ? message : PrivateKeys.Remove(message, delta: protocol == AdsProtocol.Delta);
        }
        catch (Exception e) when (e is MalformedResponseException or Store.MalformedResourceException)
        {
            // Bytes that cannot be taken apart may hold a key; the client reports them itself.
            return;
        }

        if (_cutAfter is { } silence && Responses > 0 && _lastMessage is { } last && _time.GetElapsedTime(last) > silence)
        {
            BeginStep($"change-{_steps}");
        }

        _lastMessage = _time.GetTimestamp();
        OpenStream stream = StreamOf(protocol);
        stream.Begin(_step, ElapsedMilliseconds, "response", response.TypeUrl, response.Version, response.Nonce);
        stream.Names("resources", [.. response.Resources.Select(resource => resource.Name)]);
        stream.Names("removed", response.Removed);
        stream.Message(message.Span);
        Responses++;
    }

    /// <summary>Completes the files.</summary>
    /// <exception cref="SourceException">They cannot be completed; not where that was told before.</exception>
    public void Dispose()
    {
        bool toldBefore = _failed;
        try
        {
            Try(Complete);
        }
        catch (SourceException) when (toldBefore)
        {
            // Who disposes of it because of that hears of the first time.
        }
    }

    private void Complete()
    {
        foreach (OpenStream stream in _streams.Values)
        {
            stream.Dispose();
        }

        // A fallback leaves requests of a protocol that never answered; where nobody did, there is no recording, and another try finds the
        // folder empty.
        foreach ((AdsProtocol protocol, OpenStream stream) in _streams)
        {
            if (stream.Offset == 0)
            {
                File.Delete(Path.Combine(_directory, Recording.FileName(protocol) + ".pb.gz"));
                File.Delete(Path.Combine(_directory, Recording.FileName(protocol) + ".events.json"));
            }
        }

        _streams.Clear();
    }

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            _failed = true;
            throw new SourceException($"{_directory}: {e.Message}", e);
        }
    }

    private long ElapsedMilliseconds => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    private OpenStream StreamOf(AdsProtocol protocol)
    {
        if (!_streams.TryGetValue(protocol, out OpenStream? stream))
        {
            _streams[protocol] = stream = new OpenStream(Path.Combine(_directory, Recording.FileName(protocol)));
        }

        return stream;
    }

    private sealed class OpenStream : IDisposable
    {
        private readonly GZipStream _messages;
        private readonly FileStream _events;
        private readonly Utf8JsonWriter _json;

        public OpenStream(string path)
        {
            _messages = new GZipStream(File.Create(path + ".pb.gz"), CompressionLevel.Optimal);
            _events = File.Create(path + ".events.json");
            _json = new Utf8JsonWriter(_events, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            _json.WriteStartArray();
        }

        public long Offset { get; private set; }

        public void Begin(string step, long atMilliseconds, string direction, string typeUrl, string version, string nonce)
        {
            _json.WriteStartObject();
            _json.WriteString("step", step);
            _json.WriteNumber("at_ms", atMilliseconds);
            _json.WriteString("dir", direction);
            _json.WriteString("type_url", typeUrl);
            Text("version", version);
            Text("nonce", nonce);
        }

        public void Names(string key, IReadOnlyCollection<string> names)
        {
            if (names.Count == 0)
            {
                return;
            }

            _json.WriteStartArray(key);
            foreach (string name in names)
            {
                _json.WriteStringValue(name);
            }

            _json.WriteEndArray();
        }

        public void End(string? error)
        {
            Text("error", error ?? "");
            _json.WriteNumber("offset", Offset);
            _json.WriteEndObject();
            _json.Flush();
        }

        public void Message(ReadOnlySpan<byte> message)
        {
            var prefix = new MemoryStream();
            using (var output = new CodedOutputStream(prefix, leaveOpen: true))
            {
                output.WriteLength(message.Length);
            }

            long length = prefix.Length + message.Length;
            _messages.Write(prefix.GetBuffer().AsSpan(0, (int)prefix.Length));
            _messages.Write(message);
            _json.WriteNumber("offset", Offset);
            _json.WriteNumber("length", length);
            _json.WriteEndObject();
            _json.Flush();
            Offset += length;
        }

        public void Dispose()
        {
            _json.WriteEndArray();
            _json.Dispose();
            _events.Dispose();
            _messages.Dispose();
        }

        private void Text(string key, string value)
        {
            if (value.Length > 0)
            {
                _json.WriteString(key, value);
            }
        }
    }
}
