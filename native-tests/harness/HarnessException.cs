namespace Amesh.Harness;

/// <summary>Something the harness cannot go on without; the message is for its user and says what to do.</summary>
internal sealed class HarnessException(string message) : Exception(message);
