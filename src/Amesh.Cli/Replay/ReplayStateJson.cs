using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Amesh.Cli.Replay;

/// <summary>What <c>GET /state</c> answers: the step, the clients with their subscriptions and answers, the refusals.</summary>
internal static class ReplayStateJson
{
    public static string Write(ReplayServer server)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("step", server.Current.Name);
            json.WriteNumber("index", server.Current.Index);
            json.WriteStartArray("steps");
            foreach (ServedStep step in server.Steps)
            {
                json.WriteStringValue(step.Name);
            }

            json.WriteEndArray();
            json.WriteStartArray("clients");
            foreach (ReplayStream stream in server.Streams)
            {
                Write(json, stream);
            }

            json.WriteEndArray();
            json.WriteStartArray("nacks");
            foreach (ReplayEvent nack in server.Nacks)
            {
                json.WriteStartObject();
                json.WriteString("step", nack.Step);
                json.WriteString("peer", nack.Peer);
                json.WriteString("type_url", nack.TypeUrl);
                json.WriteString("error", nack.Detail);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void Write(Utf8JsonWriter json, ReplayStream stream)
    {
        json.WriteStartObject();
        json.WriteString("peer", stream.Peer);
        json.WriteString("protocol", stream.Protocol.ToString());
        json.WriteString("node", stream.NodeId);
        json.WriteString("pushed", stream.Pushed);
        json.WriteStartObject("types");
        foreach (Watch watch in stream.Watches)
        {
            json.WriteStartObject(watch.TypeUrl);
            json.WriteNumber("subscribed", watch.Names.Count);
            json.WriteNumber("held", watch.Sent.Count);
            json.WriteString("version", watch.Version);
            json.WriteString("accepted", watch.Accepted);
            json.WriteBoolean("answered", watch.Answered);
            json.WriteNumber("acks", watch.Acks);
            json.WriteNumber("nacks", watch.Nacks);
            json.WriteNumber("stale", watch.Stale);
            if (watch.LastNack.Length > 0)
            {
                json.WriteString("last_nack", watch.LastNack);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
