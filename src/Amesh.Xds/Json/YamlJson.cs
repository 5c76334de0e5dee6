using System.Buffers;
using System.Globalization;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Amesh.Xds.Json;

/// <summary>
/// YAML to JSON, as configuration files need it: the core schema for plain scalars, anchors and aliases, several documents in a
/// file. Works on the parser's events, so that nothing depends on reflection.
/// </summary>
internal static class YamlJson
{
    // Aliases can make a small file expand without end.
    private const int MaxAliasedNodes = 100_000;

    /// <summary>The documents of a file; also takes JSON, which is YAML.</summary>
    /// <exception cref="SourceException">Not YAML; the message has the name, the line and the reason.</exception>
    public static List<JsonDocument> Parse(string text, string name)
    {
        try
        {
            var parser = new Parser(new StringReader(text));
            var documents = new List<JsonDocument>();
            parser.Consume<StreamStart>();
            while (parser.TryConsume<DocumentStart>(out _))
            {
                var buffer = new ArrayBufferWriter<byte>();
                using (var writer = new Utf8JsonWriter(buffer))
                {
                    new Converter(parser, writer).Node();
                }

                parser.Consume<DocumentEnd>();
                documents.Add(JsonDocument.Parse(buffer.WrittenMemory));
            }

            return documents;
        }
        catch (YamlException e)
        {
            throw new SourceException($"{name}:{e.Start.Line}: {(e.InnerException ?? e).Message.Split('\n')[0]}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or JsonException)
        {
            throw new SourceException($"{name}: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>The only document of a file.</summary>
    /// <exception cref="SourceException">Not YAML, or not one document.</exception>
    public static JsonDocument ParseOne(string text, string name)
    {
        List<JsonDocument> documents = Parse(text, name);
        return documents.Count == 1 ? documents[0] : throw new SourceException($"{name}: {documents.Count} documents where one is expected");
    }

    private sealed class Converter(IParser parser, Utf8JsonWriter writer)
    {
        private readonly Dictionary<AnchorName, List<ParsingEvent>> _anchors = [];
        private readonly Stack<Queue<ParsingEvent>> _aliases = [];
        private readonly List<List<ParsingEvent>> _recording = [];
        private int _aliased;

        public void Node() => Value(Next());

        private void Value(ParsingEvent current)
        {
            if (current is AnchorAlias alias)
            {
                Replay(alias);
                return;
            }

            List<ParsingEvent>? anchored = null;
            if (current is NodeEvent { Anchor.IsEmpty: false } named && _aliases.Count == 0)
            {
                anchored = [current];
                _recording.Add(anchored);
                _anchors[named.Anchor] = anchored;
            }

            switch (current)
            {
                case Scalar scalar:
                    Write(scalar);
                    break;
                case SequenceStart:
                    Sequence();
                    break;
                case MappingStart:
                    Mapping();
                    break;
                default:
                    throw new YamlException(current.Start, current.End, "a value was expected");
            }

            if (anchored is not null)
            {
                _recording.Remove(anchored);
            }
        }

        private void Sequence()
        {
            writer.WriteStartArray();
            for (ParsingEvent item = Next(); item is not SequenceEnd; item = Next())
            {
                Value(item);
            }

            writer.WriteEndArray();
        }

        private void Mapping()
        {
            writer.WriteStartObject();
            var keys = new HashSet<string>(StringComparer.Ordinal);
            for (ParsingEvent key = Next(); key is not MappingEnd; key = Next())
            {
                if (key is not Scalar { Value: var name })
                {
                    throw new YamlException(key.Start, key.End, "a key must be plain text");
                }

                if (!keys.Add(name))
                {
                    throw new YamlException(key.Start, key.End, $"the key '{name}' occurs twice");
                }

                writer.WritePropertyName(name);
                Value(Next());
            }

            writer.WriteEndObject();
        }

        private void Replay(AnchorAlias alias)
        {
            if (!_anchors.TryGetValue(alias.Value, out List<ParsingEvent>? events) || _recording.Contains(events))
            {
                throw new YamlException(alias.Start, alias.End, $"*{alias.Value} stands for nothing here");
            }

            if ((_aliased += events.Count) > MaxAliasedNodes)
            {
                throw new YamlException(alias.Start, alias.End, "too much is repeated by aliases");
            }

            _aliases.Push(new Queue<ParsingEvent>(events));
            Value(Next());
            _aliases.Pop();
        }

        private ParsingEvent Next()
        {
            if (_aliases.TryPeek(out Queue<ParsingEvent>? replay))
            {
                return replay.Dequeue();
            }

            ParsingEvent current = parser.Consume<ParsingEvent>();
            foreach (List<ParsingEvent> recording in _recording)
            {
                recording.Add(current);
            }

            return current;
        }

        private void Write(Scalar scalar)
        {
            string text = scalar.Value;
            if (scalar.Style != ScalarStyle.Plain || (!scalar.Tag.IsEmpty && scalar.Tag.Value.EndsWith(":str", StringComparison.Ordinal)))
            {
                writer.WriteStringValue(text);
            }
            else if (text is "" or "~" or "null" or "Null" or "NULL")
            {
                writer.WriteNullValue();
            }
            else if (text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE")
            {
                writer.WriteBooleanValue(text[0] is 't' or 'T');
            }
            else if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer))
            {
                writer.WriteNumberValue(integer);
            }
            else if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
            {
                writer.WriteNumberValue(number);
            }
            else
            {
                writer.WriteStringValue(text);
            }
        }
    }
}
