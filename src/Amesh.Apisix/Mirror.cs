namespace Amesh.Apisix;

/// <summary>A copy of requests.</summary>
/// <param name="UpstreamId">Where it goes.</param>
/// <param name="Ppm">For how many of a million requests.</param>
public sealed record Mirror(string UpstreamId, long Ppm)
{
    /// <summary>Whether copies keep the request's Host; else <c>-shadow</c> is added to its name.</summary>
    public bool? KeepHost { get; init; }
}
