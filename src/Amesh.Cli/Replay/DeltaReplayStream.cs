using Amesh.Grpc.Server;
using Amesh.Xds.Ads;
using Envoy.Service.Discovery.V3;

namespace Amesh.Cli.Replay;

/// <summary>Incremental: what is new or changed, and what is gone. A client that tells what it holds is sent only the difference.</summary>
internal sealed class DeltaReplayStream(GrpcServerCall call, ReplayServer server) : ReplayStream(call, server)
{
    private const string Wildcard = "*";

    public override AdsProtocol Protocol => AdsProtocol.Delta;

    protected override async Task TakeAsync(ReadOnlyMemory<byte> bytes)
    {
        DeltaDiscoveryRequest request = Parse(DeltaDiscoveryRequest.Parser, bytes);
        Greet(request.Node, "Delta");
        (Watch watch, bool first) = WatchOf(request.TypeUrl);
        if (first)
        {
            watch.Sent = request.InitialResourceVersions.ToDictionary();
        }

        if (request.ResponseNonce.Length > 0)
        {
            // A stale answer counts for nothing, the names in it do.
            Answered(watch, request.ResponseNonce, request.ErrorDetail);
        }

        foreach (string name in request.ResourceNamesUnsubscribe)
        {
            watch.Names.Remove(name);
            watch.Sent.Remove(name);
        }

        List<string> added = [.. request.ResourceNamesSubscribe.Where(name => name != Wildcard)];
        watch.Names.UnionWith(added);
        if (added.Count + request.ResourceNamesUnsubscribe.Count > 0)
        {
            Tell(ReplayEventKind.Subscribed, watch.TypeUrl, $"+{added.Count} -{request.ResourceNamesUnsubscribe.Count}, now {watch.Names.Count}");
        }

        if (first)
        {
            await SendAsync(watch, answer: true, watch.IsWildcard ? null : watch.Names);
        }
        else if (added.Count > 0)
        {
            // Asked for again means to be sent again, whatever was sent before.
            added.ForEach(name => watch.Sent.Remove(name));
            await SendAsync(watch, answer: true, added);
        }
    }

    protected override Task PushAsync(Watch watch) => SendAsync(watch, answer: false, watch.IsWildcard ? null : watch.Names);

    // Names null: everything.
    private Task SendAsync(Watch watch, bool answer, IReadOnlyCollection<string>? names)
    {
        var existing = Step.Of(watch.TypeUrl);
        ServedResource[] changed = [.. existing.Values
            .Where(resource => (names is null || names.Contains(resource.Name)) && watch.Sent.GetValueOrDefault(resource.Name) != resource.Version)
            .OrderBy(resource => resource.Name, StringComparer.Ordinal)];
        var gone = watch.Sent.Keys.Where(name => !existing.ContainsKey(name)).ToHashSet();
        if (answer && names is not null)
        {
            gone.UnionWith(names.Where(name => !existing.ContainsKey(name)));
        }

        if (changed.Length + gone.Count == 0 && !(answer && names is null))
        {
            return Task.CompletedTask;
        }

        foreach (string name in gone)
        {
            watch.Sent.Remove(name);
        }

        foreach (ServedResource resource in changed)
        {
            watch.Sent[resource.Name] = resource.Version;
        }

        var response = new DeltaDiscoveryResponse
        {
            TypeUrl = watch.TypeUrl,
            Nonce = NextNonce(watch),
            SystemVersionInfo = watch.Version,
            Resources = { changed.Select(resource => new Resource { Name = resource.Name, Version = resource.Version, Resource_ = resource.Any }) },
            RemovedResources = { gone.Order(StringComparer.Ordinal) },
        };
        return SendAsync(response, watch, $"{changed.Length} resources, {gone.Count} removed");
    }
}
