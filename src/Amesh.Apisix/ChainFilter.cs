using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Amesh.Apisix;

/// <summary>
/// A filter of a chain that lets requests or connections through, or refuses them; lua/apisix/amesh/filters has a module for each
/// type. What cannot be translated is a <see cref="RefusedFilter"/>, never left out.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(RefusedFilter), "refused")]
[JsonDerivedType(typeof(ExternalAuthorizationFilter), "ext_authz")]
[JsonDerivedType(typeof(JwtFilter), "jwt")]
[JsonDerivedType(typeof(RbacFilter), "rbac")]
[JsonDerivedType(typeof(FaultPlace), "fault")]
[JsonDerivedType(typeof(CorsPlace), "cors")]
public abstract record ChainFilter
{
    /// <summary>Its name in the configuration, which routes refer to.</summary>
    [JsonPropertyOrder(-1)]
    public required string Name { get; init; }

    /// <summary>Whether it is off where the route does not say otherwise.</summary>
    public bool? Disabled { get; init; }
}

/// <summary>Lets nobody through, since nobody can tell whom it should.</summary>
/// <param name="Reason">Why, in one line.</param>
public sealed record RefusedFilter(string Reason) : ChainFilter
{
    /// <summary>Of connections: those alone that this may hold for; null for all of them.</summary>
    public MetadataMatch? When { get; init; }
}

/// <summary>Where faults are made, in a list that has filters after it.</summary>
public sealed record FaultPlace : ChainFilter;

/// <summary>Where cross-origin requests are answered, in a list that has filters after it.</summary>
public sealed record CorsPlace : ChainFilter;

/// <summary>What a route says of a chain's filter.</summary>
[JsonConverter(typeof(FilterOverrideConverter))]
public sealed record FilterOverride
{
    private FilterOverride()
    {
    }

    /// <summary>The filter is off.</summary>
    public static FilterOverride Off { get; } = new();

    /// <summary>The filter is on, as the chain has it.</summary>
    public static FilterOverride On { get; } = new();

    /// <summary>What is otherwise than the chain says, in words of the filter's kind.</summary>
    public ChainFilter? Filter { get; private init; }

    /// <summary>The filter is as this says.</summary>
    public static FilterOverride Of(ChainFilter filter) => new() { Filter = filter };
}

internal sealed class FilterOverrideConverter : JsonConverter<FilterOverride>
{
    public override FilterOverride Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Objects are written, never read back.");

    public override void Write(Utf8JsonWriter writer, FilterOverride value, JsonSerializerOptions options)
    {
        if (value.Filter is { } filter)
        {
            JsonSerializer.Serialize(writer, filter, (JsonTypeInfo<ChainFilter>)options.GetTypeInfo(typeof(ChainFilter)));
        }
        else
        {
            writer.WriteBooleanValue(ReferenceEquals(value, FilterOverride.On));
        }
    }
}
