using Amesh.Apisix;
using Google.Protobuf.WellKnownTypes;

namespace Amesh.Translation.Filters;

/// <summary>One kind of filter that lets through or refuses.</summary>
/// <remarks>
/// What cannot be translated as a whole is told and becomes a <see cref="RefusedFilter"/>. A kind may throw
/// <see cref="Google.Protobuf.InvalidProtocolBufferException"/> for bytes that are no message: that is refused for it.
/// </remarks>
internal interface IFilterKind
{
    /// <summary>The full name of the filter's message.</summary>
    string Message { get; }

    /// <summary>The full name of what routes say of it; null where they can say nothing.</summary>
    string? RouteMessage { get; }

    /// <summary>Null for a filter that does nothing.</summary>
    ChainFilter? Translate(string name, Any config, DiagnosticScope diagnostics);

    /// <summary>What a route says.</summary>
    FilterOverride TranslateRoute(string name, Any config, DiagnosticScope diagnostics);
}
