using Google.Protobuf.Reflection;

namespace Amesh.Translation.Fields;

/// <summary>
/// Nothing is dropped in silence: walks the wire bytes of a message and tells every field that is present and that Amesh does not do exactly as Envoy.
/// </summary>
/// <remarks>
/// It says nothing about values, except for the few that a table names: what a translator makes of a value is the translator's to tell. It reads bytes, not
/// objects, so that it sees the fields that no definition of ours has, too.
/// </remarks>
internal static class FieldAudit
{
    /// <summary>What a user must be told of a message: each field, and each type of extension, once, where it was found first.</summary>
    /// <param name="type">The message's type.</param>
    /// <param name="bytes">Its wire bytes.</param>
    /// <param name="rootPath">What paths begin with; may be empty.</param>
    public static IReadOnlyList<FieldFinding> Walk(MessageDescriptor type, ReadOnlyMemory<byte> bytes, string rootPath) =>
        new FieldWalk(rootPath, everything: false).Over(type, bytes.Span);

    /// <summary>Everything that is present, whatever is done with it, and whatever is inside: for tests and documentation.</summary>
    public static IReadOnlyList<FieldFinding> WalkEverything(MessageDescriptor type, ReadOnlyMemory<byte> bytes, string rootPath) =>
        new FieldWalk(rootPath, everything: true).Over(type, bytes.Span);
}
