using Amesh.Protos.Tests;
using Amesh.Translation.Fields;
using Google.Protobuf;

namespace Amesh.Translation.Tests.Fields;

/// <summary>Every field and every extension that any recording uses.</summary>
internal static class RecordedFields
{
    private static readonly Lazy<IReadOnlyList<FieldFinding>> _all = new(Collect);

    /// <summary>Each once.</summary>
    public static IReadOnlyList<FieldFinding> All => _all.Value;

    // The scale recordings are the same few shapes thousands of times.
    private static List<FieldFinding> Collect() =>
    [
        .. RecordedStream.All
            .Where(recording => !recording.Name.Contains("scale", StringComparison.Ordinal))
            .SelectMany(recording => recording.Responses().SelectMany(response => Walk(recording, response)))
            .DistinctBy(finding => (finding.Message, finding.Field)),
    ];

    private static IReadOnlyList<FieldFinding> Walk(RecordedStream recording, ByteString response) =>
        FieldAudit.WalkEverything(recording.ResponseType, response.Memory, recording.Name);
}
