using Amesh.Apisix;

namespace Amesh.Translation;

/// <summary>One object and its JSON.</summary>
/// <param name="Key">Where it stands.</param>
/// <param name="Json">UTF-8, without white space.</param>
public readonly record struct ConfigObject(ObjectKey Key, ReadOnlyMemory<byte> Json);

/// <summary>What a batch of units changed, in the order in which it must be written.</summary>
/// <param name="Set">New and changed objects: what is used before what uses it.</param>
/// <param name="Removed">Objects that are gone: what uses before what is used. Nothing that is left names them.</param>
public sealed record ChangeSet(IReadOnlyList<ConfigObject> Set, IReadOnlyList<ObjectKey> Removed)
{
    /// <summary>Whether there is nothing to write.</summary>
    public bool IsEmpty => Set.Count == 0 && Removed.Count == 0;
}

/// <summary>Where changes go: the shared dictionaries, a text, a test.</summary>
public interface IConfigSink
{
    /// <summary>Takes a change set as a whole, or leaves everything as it was.</summary>
    /// <exception cref="ConfigSinkException">The changes could not be taken; they come again with the next change set.</exception>
    void Commit(ChangeSet changes);

    /// <summary>Told when a source begins to bring something, and when all of it has been committed, or refused.</summary>
    void Receiving(bool underWay)
    {
    }

    /// <summary>Whether a request has gone to an upstream since it was first used. Asked by any thread.</summary>
    bool HasTraffic(string upstreamId) => true;
}

/// <summary>A sink could not take a change set. The message is one line for a person and says what to do.</summary>
public sealed class ConfigSinkException(string message) : Exception(message);
