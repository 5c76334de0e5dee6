namespace Amesh.Xds.Store;

/// <summary>A cluster or listener whose newest version does not have all that it names.</summary>
/// <param name="Resource">Which one, for people.</param>
/// <param name="For">What has not come, for people.</param>
/// <param name="Since">When it began to wait, or went into service without.</param>
public sealed record WaitingResource(string Resource, IReadOnlyList<string> For, DateTimeOffset Since);
