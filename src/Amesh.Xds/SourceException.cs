namespace Amesh.Xds;

/// <summary>A source's configuration or data is unusable. The message is one line that a user can act on.</summary>
public sealed class SourceException : Exception
{
    /// <summary>With a message of the form "what: why".</summary>
    public SourceException(string message) : base(message)
    {
    }

    /// <summary>With the cause.</summary>
    public SourceException(string message, Exception inner) : base(message, inner)
    {
    }
}
