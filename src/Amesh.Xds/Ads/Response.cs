namespace Amesh.Xds.Ads;

/// <summary>A response of either protocol, taken apart but not looked into.</summary>
/// <param name="TypeUrl">Of the resources in it.</param>
/// <param name="Version">The response's version.</param>
/// <param name="Nonce">To be echoed in the answer.</param>
/// <param name="Resources">What it carries. The bodies are parts of the message, not copies.</param>
/// <param name="Removed">Names taken back; only in Delta.</param>
/// <param name="Unreadable">Resources whose wrapping is broken or of another type; their names as far as they can be told.</param>
/// <param name="Complete">Whether what is not listed is gone.</param>
internal sealed record Response(
    string TypeUrl,
    string Version,
    string Nonce,
    IReadOnlyList<DiscoveryResource> Resources,
    IReadOnlyList<string> Removed,
    IReadOnlyList<RejectedResource> Unreadable,
    bool Complete);

/// <summary>A message that is no discovery response. There is no nonce to refuse it with, so it ends the stream.</summary>
internal sealed class MalformedResponseException(string message) : Exception(message);
