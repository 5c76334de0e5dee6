using Amesh.Translation.Fields;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Filters;

/// <summary>Of which kind a filter's configuration is.</summary>
internal static class FilterConfigs
{
    /// <summary>Null for kinds that are not ours. Not readable: it is of the kind, but not here as its message.</summary>
    public static (IFilterKind Kind, bool IsReadable)? Find(IFilterKind[] kinds, Any? config, ExtensionConfigSource? discovery)
    {
        foreach (IFilterKind kind in kinds)
        {
            if (config is not null && Any.GetTypeName(config.TypeUrl) == kind.Message)
            {
                return (kind, true);
            }

            if (Wrapped(config) == kind.Message || discovery?.TypeUrls.Any(url => Any.GetTypeName(url) == kind.Message) == true)
            {
                return (kind, false);
            }
        }

        return null;
    }

    // The type of what stands there as JSON, or within a filter that runs on a match alone.
    private static string? Wrapped(Any? config)
    {
        if (config is null)
        {
            return null;
        }

        string type = Any.GetTypeName(config.TypeUrl);
        try
        {
            if (type == Envoy.Extensions.Common.Matching.V3.ExtensionWithMatcher.Descriptor.FullName)
            {
                var matched = Envoy.Extensions.Common.Matching.V3.ExtensionWithMatcher.Parser.ParseFrom(config.Value);
                return matched.ExtensionConfig?.TypedConfig is { } inner ? Wrapped(inner) ?? Any.GetTypeName(inner.TypeUrl) : null;
            }

            // Both forms of TypedStruct have the type in field 1.
            return Extensions.IsTypedStruct(type) ? Any.GetTypeName(Udpa.Type.V1.TypedStruct.Parser.ParseFrom(config.Value).TypeUrl) : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
