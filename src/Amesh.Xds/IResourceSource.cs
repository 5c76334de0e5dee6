namespace Amesh.Xds;

/// <summary>Where resources come from: a control plane, a folder of files, or a recorded stream.</summary>
public interface IResourceSource
{
    /// <summary>
    /// Feeds <paramref name="handler"/> until there is nothing more to come (a recording played to its end) or
    /// <paramref name="ct"/> is cancelled. What goes wrong on the way (a control plane that is away, a bad file) is
    /// logged and tried again; it throws only for what trying again cannot mend, such as a folder that does not exist.
    /// </summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> was cancelled.</exception>
    /// <exception cref="SourceException">The source cannot work as it was configured.</exception>
    Task RunAsync(IResourceHandler handler, CancellationToken ct);
}
