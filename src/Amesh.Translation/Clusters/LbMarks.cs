using System.Text;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Clusters;

/// <summary>
/// The metadata that endpoints are chosen by: what an endpoint has of it, and what a route asks for. As a text, one line for
/// each key, sorted; empty for none. Each line begins with a line break, so that no name of a cluster looks like one.
/// </summary>
internal static class LbMarks
{
    // Source: Envoy's documentation of Cluster.lb_subset_config.
    private const string Key = "envoy.lb";

    /// <summary>What is said at several places of growing importance: a later one's value of a key counts.</summary>
    public static string Of(params ReadOnlySpan<Metadata?> places)
    {
        var values = new SortedDictionary<string, Value>(StringComparer.Ordinal);
        foreach (Metadata? place in places)
        {
            if (place is not null && place.FilterMetadata.TryGetValue(Key, out Struct? marks))
            {
                Add(values, marks);
            }
        }

        return Text(values);
    }

    /// <summary>The same of a bare structure.</summary>
    public static string Of(Struct? marks)
    {
        var values = new SortedDictionary<string, Value>(StringComparer.Ordinal);
        Add(values, marks);
        return Text(values);
    }

    /// <summary>Keys and values.</summary>
    public static IEnumerable<(string Key, Value Value)> Read(string marks) =>
        marks.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ') is [var key, var value]
            ? (Encoding.UTF8.GetString(Convert.FromBase64String(key)), Value.Parser.ParseFrom(Convert.FromBase64String(value)))
            : throw new FormatException(line));

    /// <summary>What of them has one of these keys.</summary>
    public static string Only(string marks, IEnumerable<string> keys)
    {
        var values = new SortedDictionary<string, Value>(StringComparer.Ordinal);
        foreach ((string key, Value value) in Read(marks).Where(mark => keys.Contains(mark.Key)))
        {
            values[key] = value;
        }

        return Text(values);
    }

    /// <summary>For people: <c>key=value</c>, with blanks between them.</summary>
    public static string Readable(string marks) => string.Join(' ', Read(marks).Select(mark => mark.Value.KindCase == Value.KindOneofCase.StringValue
        ? $"{mark.Key}={mark.Value.StringValue}"
        : $"{mark.Key}={mark.Value.KindCase} {Convert.ToHexString(mark.Value.ToByteArray())}"));

    private static void Add(SortedDictionary<string, Value> values, Struct? marks)
    {
        if (marks is not null)
        {
            foreach ((string key, Value value) in marks.Fields)
            {
                values[key] = value;
            }
        }
    }

    private static string Text(SortedDictionary<string, Value> values) => string.Concat(values.Select(mark =>
        $"\n{Convert.ToBase64String(Encoding.UTF8.GetBytes(mark.Key))} {Convert.ToBase64String(mark.Value.ToByteArray())}"));
}
