using System.Reflection;
using Google.Protobuf.Reflection;

namespace Amesh.Protos.Tests;

/// <summary>Every definition that is compiled into Amesh.Protos.</summary>
internal static class OurProtos
{
    public static IReadOnlyList<FileDescriptor> Files { get; } =
    [
        .. typeof(Envoy.Config.Cluster.V3.Cluster).Assembly.GetTypes()
            .Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
            .OfType<FileDescriptor>()
            .OrderBy(file => file.Name, StringComparer.Ordinal),
    ];

    public static IReadOnlyList<MessageDescriptor> Messages { get; } = [.. Files.SelectMany(file => file.MessageTypes).SelectMany(WithNested)];

    public static IReadOnlyList<EnumDescriptor> Enums { get; } =
        [.. Files.SelectMany(file => file.EnumTypes), .. Messages.SelectMany(message => message.EnumTypes)];

    /// <summary>What a type URL's last part can name: all of the above and the well-known types.</summary>
    public static TypeRegistry Registry { get; } = TypeRegistry.FromFiles(Files);

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) =>
        message.NestedTypes.Where(nested => !IsMapEntry(nested)).SelectMany(WithNested).Prepend(message);

    private static bool IsMapEntry(MessageDescriptor message) => message.GetOptions()?.MapEntry == true;
}
