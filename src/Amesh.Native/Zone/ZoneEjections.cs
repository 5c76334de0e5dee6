using Amesh.Translation;

namespace Amesh.Native.Zone;

/// <summary>Ejections as lua/apisix/amesh/followed.lua leaves them in the version zone.</summary>
internal sealed class ZoneEjections(IZone version) : IEjections
{
    private const string Ejections = "amesh/ejections";
    private const string Ejected = "amesh/ejected/";

    public double Count(string? upstreamId) => version.Number(upstreamId is null ? Ejections : $"{Ejections}/{upstreamId}") ?? 0;

    public (double Until, bool IsSettled)? Until(string upstreamId, string endpoint) =>
        version.Number(Key(upstreamId, endpoint)) is { } until ? (Math.Abs(until), until < 0) : null;

    // An ejection that began anew in this moment is settled with it: it is the same endpoint.
    public void Settle(string upstreamId, string endpoint, double until) => _ = version.TryStore(Key(upstreamId, endpoint), -until);

    public void TakeBack(string upstreamId, string endpoint) => version.Delete(Key(upstreamId, endpoint));

    private static string Key(string upstreamId, string endpoint) => $"{Ejected}{upstreamId}#{endpoint}";
}
