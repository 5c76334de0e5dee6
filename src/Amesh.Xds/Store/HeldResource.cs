namespace Amesh.Xds.Store;

/// <summary>The newest version of a resource that was taken.</summary>
/// <param name="Version">What the control plane calls it.</param>
/// <param name="Body">Its wire bytes.</param>
/// <param name="Units">Its units.</param>
internal sealed record HeldResource(string Version, ReadOnlyMemory<byte> Body, IReadOnlyDictionary<(UnitKind Kind, string Name), HeldUnit> Units);

/// <summary>A unit's bytes and whom it names.</summary>
internal sealed record HeldUnit(ReadOnlyMemory<byte> Bytes, IReadOnlyList<Dependency> Dependencies);
