namespace Amesh.Apisix;

/// <summary>What every object has: the id that its key ends with, and a name for people.</summary>
public abstract record ApisixObject
{
    /// <summary>The last part of the object's key; APISIX refuses an object whose id is not in it.</summary>
    public required string Id { get; init; }

    /// <summary>Envoy's name of what this was translated from, cut to APISIX's 100 characters.</summary>
    public string? Name { get; init; }

    internal abstract ObjectKind Kind { get; }

    /// <summary>Where the object stands.</summary>
    public ObjectKey Key() => new(Kind, Id);
}
