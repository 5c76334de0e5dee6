namespace Amesh.Xds.Json;

/// <summary>JSON that does not fit its message; the message begins with the path of the field.</summary>
internal sealed class ProtoJsonException(string message) : Exception(message);
