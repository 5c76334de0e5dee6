namespace Amesh.Grpc.Wire;

/// <summary>The body ended inside a message. Whether that is the whole story, the trailers tell.</summary>
internal sealed class CutMessageException(string message) : Exception(message);
