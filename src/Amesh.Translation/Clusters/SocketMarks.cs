using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Clusters;

/// <summary>
/// What the metadata of an endpoint, or of its locality, says about how it is to be connected to. As a text, of which a mesh
/// has a handful for its thousands of endpoints.
/// </summary>
internal static class SocketMarks
{
    // Source: Envoy's documentation of Cluster.transport_socket_matches.
    private const string Key = "envoy.transport_socket_match";

    /// <summary>The marks; empty for none.</summary>
    public static string Of(Metadata? metadata) =>
        metadata is not null && metadata.FilterMetadata.TryGetValue(Key, out Struct? marks) ? Of(marks) : "";

    /// <summary>The same of a criterion: every one of its marks must be there.</summary>
    public static string Of(Struct? marks) =>
        marks is null || marks.Fields.Count == 0
            ? ""
            : string.Intern("\n" + string.Concat(marks.Fields.Select(Line).Order(StringComparer.Ordinal)));

    /// <summary>Whether marks have all that a criterion asks for; one that asks for nothing holds for everything.</summary>
    public static bool Hold(string criterion, string marks) =>
        criterion.Split('\n', StringSplitOptions.RemoveEmptyEntries).All(line => marks.Contains($"\n{line}\n", StringComparison.Ordinal));

    // Values are compared as what they are, not as texts: in bytes they have no line break.
    private static string Line(KeyValuePair<string, Value> mark) =>
        $"{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(mark.Key))}={Convert.ToBase64String(mark.Value.ToByteArray())}\n";
}
