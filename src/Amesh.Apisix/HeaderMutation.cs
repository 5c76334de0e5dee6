namespace Amesh.Apisix;

/// <summary>One change of a header.</summary>
/// <param name="Op"><c>set</c>, <c>append</c>, <c>add_if_absent</c>, <c>overwrite_if_exists</c> or <c>remove</c>.</param>
/// <param name="Name">The header, in lower case.</param>
/// <param name="Value">Its value; none for <c>remove</c>.</param>
public sealed record HeaderMutation(string Op, string Name, string? Value)
{
    /// <summary>Whether the value has Envoy's command operators (<c>%REQ(x)%</c>).</summary>
    public bool? Format { get; init; }

    /// <summary>Whether a value that turns out to be empty is written all the same.</summary>
    public bool? KeepEmpty { get; init; }
}
