namespace Amesh.Apisix;

/// <summary>An answer that is given at once.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body.</param>
public sealed record DirectResponse(uint Status, string? Body);
