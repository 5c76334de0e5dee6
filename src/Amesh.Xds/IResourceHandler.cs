namespace Amesh.Xds;

/// <summary>One resource as the control plane sent it, not yet decoded.</summary>
/// <param name="Name">The resource's name (field 1 of its bytes for all types that Amesh reads).</param>
/// <param name="Version">Delta: the resource's own version. SotW: the version of the response.</param>
/// <param name="Body">
/// The resource's own bytes, <c>Any.value</c>: neither the Any nor the Resource wrapper around it. They never change, and are
/// a part of the message that they came in, which stays in memory as long as any of its parts is held.
/// </param>
public readonly record struct DiscoveryResource(string Name, string Version, ReadOnlyMemory<byte> Body);

/// <summary>What one response says about the resources of one type.</summary>
/// <param name="TypeUrl">One of <see cref="TypeUrls"/>.</param>
/// <param name="Version">The response's version (<c>version_info</c> or <c>system_version_info</c>); for people, not for comparing.</param>
/// <param name="Resources">What is new or changed, or only sent again.</param>
/// <param name="Removed">Names that the control plane took back. They can be unknown and can repeat.</param>
/// <param name="Complete">True when what is not listed is gone: SotW responses of <see cref="TypeUrls.Cluster"/> and <see cref="TypeUrls.Listener"/>.</param>
public sealed record DiscoveryUpdate(
    string TypeUrl,
    string Version,
    IReadOnlyList<DiscoveryResource> Resources,
    IReadOnlyList<string> Removed,
    bool Complete);

/// <summary>A resource that was refused. A value, not an exception: the others of its response are taken.</summary>
/// <param name="Name">The resource's name.</param>
/// <param name="Reason">One line for a person: field and what is wrong with it.</param>
public readonly record struct RejectedResource(string Name, string Reason);

/// <summary>
/// What an <see cref="IResourceSource"/> feeds. A source calls it from one thread at a time and never again after its
/// <see cref="IResourceSource.RunAsync"/> has ended. Nothing here may block for long: the stream waits meanwhile.
/// </summary>
public interface IResourceHandler
{
    /// <summary>Takes an update in. Of a refused resource the last good version stays.</summary>
    /// <returns>The resources that were refused; empty when all were taken.</returns>
    IReadOnlyList<RejectedResource> Apply(DiscoveryUpdate update);

    /// <summary>
    /// The names to subscribe to now, for types that are not wildcards (<see cref="TypeUrls.ClusterLoadAssignment"/>,
    /// <see cref="TypeUrls.RouteConfiguration"/>, <see cref="TypeUrls.Secret"/>). Asked after each <see cref="Apply"/>.
    /// What is no longer wanted is unsubscribed from, nobody takes it back or keeps it up to date: the handler forgets it, and
    /// gets it anew when it wants it again.
    /// </summary>
    IReadOnlyCollection<string> Wanted(string typeUrl);

    /// <summary>
    /// The source has nothing more at hand for the moment: about 10 ms without a message, at most 100 ms after the first
    /// unprocessed update, or the end of a recording's step. While names that were just subscribed to are unanswered it waits for
    /// them, within those 100 ms, so that a new cluster comes with its endpoints. Ends a batch.
    /// </summary>
    void Quiet();

    /// <summary>Name to version of what is held, for <c>initial_resource_versions</c> after a reconnect.</summary>
    IReadOnlyDictionary<string, string> Versions(string typeUrl);
}
