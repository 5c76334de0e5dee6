using Amesh.Grpc.Server;
using Amesh.Xds.Ads;
using Envoy.Service.Discovery.V3;

namespace Amesh.Cli.Replay;

/// <summary>State of the world: any change of clusters or listeners sends all of them; of the other types only what changed is sent.</summary>
internal sealed class SotwReplayStream(GrpcServerCall call, ReplayServer server) : ReplayStream(call, server)
{
    public override AdsProtocol Protocol => AdsProtocol.Sotw;

    protected override async Task TakeAsync(ReadOnlyMemory<byte> bytes)
    {
        DiscoveryRequest request = Parse(DiscoveryRequest.Parser, bytes);
        Greet(request.Node, "SotW");
        (Watch watch, bool first) = WatchOf(request.TypeUrl);
        if (!first && !Answered(watch, request.ResponseNonce, request.ErrorDetail))
        {
            return;
        }

        var names = request.ResourceNames.ToHashSet();
        List<string> added = [.. names.Where(name => !watch.Names.Contains(name))];
        List<string> removed = [.. watch.Names.Where(name => !names.Contains(name))];
        watch.Names = names;
        removed.ForEach(name => watch.Sent.Remove(name));
        if (added.Count + removed.Count > 0)
        {
            Tell(ReplayEventKind.Subscribed, watch.TypeUrl, $"+{added.Count} -{removed.Count}, now {names.Count}");
        }

        if (watch.IsWildcard)
        {
            if (first)
            {
                await SendAsync(watch, [.. Step.Of(watch.TypeUrl).Values]);
            }
        }
        else if (added.Count > 0)
        {
            await SendAsync(watch, Existing(watch, added));
        }
    }

    protected override Task PushAsync(Watch watch)
    {
        ServedResource[] now = watch.IsWildcard ? [.. Step.Of(watch.TypeUrl).Values] : Existing(watch, watch.Names);
        ServedResource[] changed = [.. now.Where(resource => watch.Sent.GetValueOrDefault(resource.Name) != resource.Version)];
        if (!watch.IsWildcard)
        {
            return changed.Length > 0 ? SendAsync(watch, changed) : Task.CompletedTask;
        }

        return changed.Length > 0 || now.Length < watch.Sent.Count ? SendAsync(watch, now) : Task.CompletedTask;
    }

    private ServedResource[] Existing(Watch watch, IEnumerable<string> names) =>
        [.. names.Select(name => Step.Of(watch.TypeUrl).GetValueOrDefault(name)).OfType<ServedResource>()];

    private Task SendAsync(Watch watch, ServedResource[] resources)
    {
        // Nothing to say about names that do not exist: SotW has no way to say it.
        if (resources.Length == 0 && !watch.IsWildcard)
        {
            return Task.CompletedTask;
        }

        if (watch.IsWildcard)
        {
            watch.Sent.Clear();
        }

        foreach (ServedResource resource in resources)
        {
            watch.Sent[resource.Name] = resource.Version;
        }

        var response = new DiscoveryResponse
        {
            TypeUrl = watch.TypeUrl,
            Nonce = NextNonce(watch),
            VersionInfo = watch.Version,
            Resources = { resources.OrderBy(resource => resource.Name, StringComparer.Ordinal).Select(resource => resource.Any) },
        };
        return SendAsync(response, watch, $"{resources.Length} resources");
    }
}
