namespace Amesh.Xds.Store;

/// <summary>A resource cannot be taken in; the message says why in one line. Never leaves the store.</summary>
internal sealed class MalformedResourceException(string message) : Exception(message);
