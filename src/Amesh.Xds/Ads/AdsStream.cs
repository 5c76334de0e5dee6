using System.Text;
using Amesh.Grpc;
using Envoy.Config.Core.V3;
using Google.Rpc;
using Microsoft.Extensions.Logging;

namespace Amesh.Xds.Ads;

/// <summary>
/// One stream's life: its subscriptions, nonces and answers. Belongs to the loop of <see cref="AdsClient"/>, which makes a new
/// one for each attempt; knows nothing about why streams end or what resources mean.
/// </summary>
internal sealed partial class AdsStream(
    IAdsCall call, Dialect dialect, IResourceHandler handler, AdsClientOptions options, StreamMemory memory, StatusBoard status, TimeProvider time, ILogger log)
{
    // Long enough for a person to see what is wrong, short enough for the metadata limits of servers that log it.
    private const int LongestError = 4096;

    private readonly IReadOnlyList<string> _types = options.Service == DiscoveryService.Secrets ? [TypeUrls.Secret] : TypeUrls.InOrder;
    private readonly Dictionary<string, Subscription> _subscriptions = [];
    private readonly HashSet<string> _unanswered = [];
    private Node? _node = options.Node;

    /// <summary>How many responses were processed: a stream that brought something counts as a success.</summary>
    public int Responses { get; private set; }

    /// <summary>Returns when the server ended the stream with OK.</summary>
    /// <exception cref="GrpcException">The stream ended otherwise.</exception>
    /// <exception cref="MalformedResponseException">The server sent something else than responses.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        // One read is under way all the time, since a batch ends by the clock.
        Task<ReadOnlyMemory<byte>?>? read = null;
        long batchStart = 0;
        bool inBatch = false;
        try
        {
            if (_types.Contains(TypeUrls.Cluster))
            {
                await OpenAsync(TypeUrls.Cluster, ct).ConfigureAwait(false);
            }

            if (memory.ClustersSeen)
            {
                await FollowAsync(ct).ConfigureAwait(false);
            }

            long opened = time.GetTimestamp();
            while (true)
            {
                read ??= call.ReadAsync(ct).AsTask();
                if (inBatch)
                {
                    TimeSpan left = options.LongestBatch - time.GetElapsedTime(batchStart);
                    TimeSpan patience = left < options.QuietAfter || _unanswered.Count > 0 ? left : options.QuietAfter;
                    if (left <= TimeSpan.Zero || !await WithinAsync(read, patience, ct).ConfigureAwait(false))
                    {
                        inBatch = false;
                        // Names that do not exist are never answered; they delay only the batch that brought them.
                        _unanswered.Clear();
                        handler.Quiet();
                    }
                }
                else if (!memory.ClustersSeen && !await WithinAsync(read, options.InitialFetchTimeout - time.GetElapsedTime(opened), ct).ConfigureAwait(false))
                {
                    LogNoClusters(log, options.InitialFetchTimeout.TotalSeconds);
                    memory.ClustersSeen = true;
                    await FollowAsync(ct).ConfigureAwait(false);
                }

                if (await read.ConfigureAwait(false) is not { } message)
                {
                    return;
                }

                read = null;
                if (!inBatch)
                {
                    inBatch = true;
                    batchStart = time.GetTimestamp();
                }

                await TakeAsync(message, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            if (inBatch)
            {
                handler.Quiet();
            }
        }
    }

    private async Task TakeAsync(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        options.Observer?.Received(dialect.Protocol, message);
        Response response = dialect.Read(message);
        if (!_subscriptions.TryGetValue(response.TypeUrl, out Subscription? subscription))
        {
            subscription = new Subscription(response.TypeUrl, "");
            response = response with
            {
                Resources = [],
                Unreadable = [new RejectedResource("(all)", "resources of this type were not asked for")],
            };
        }

        _unanswered.Remove(response.TypeUrl);
        subscription.Nonce = response.Nonce;
        List<RejectedResource> rejected = Hand(subscription, response);
        string? error = rejected.Count == 0 ? null : Describe(response, rejected);
        if (error is null)
        {
            subscription.AcceptedVersion = response.Version;
            memory.AcceptedVersions[subscription.TypeUrl] = response.Version;
        }
        else
        {
            LogRefused(log, error);
        }

        Responses++;
        memory.ClustersSeen |= response.TypeUrl == TypeUrls.Cluster;
        await SendAsync(dialect.Answer(subscription, error is null ? null : new Status { Code = (int)GrpcStatusCode.InvalidArgument, Message = error }), ct).ConfigureAwait(false);
        status.Answered(subscription, error);
        if (memory.ClustersSeen)
        {
            await FollowAsync(ct).ConfigureAwait(false);
        }
    }

    private List<RejectedResource> Hand(Subscription subscription, Response response)
    {
        // What was not asked for, or is not wanted any more, is no concern of ours; OSM sends such assignments.
        IReadOnlyList<DiscoveryResource> resources = TypeUrls.IsWildcard(response.TypeUrl)
            ? response.Resources
            : [.. response.Resources.Where(resource => subscription.Names.Contains(resource.Name))];
        var rejected = new List<RejectedResource>(response.Unreadable);
        try
        {
            rejected.AddRange(handler.Apply(new DiscoveryUpdate(response.TypeUrl, response.Version, resources, response.Removed, response.Complete)));
        }
        catch (Exception e)
        {
            // A defect of ours: it must neither end the process nor be taken as accepted.
            LogHandlerFailed(log, e, response.TypeUrl);
            rejected.Add(new RejectedResource("(all)", $"internal error: {e.Message}"));
        }

        return rejected;
    }

    // Asks for what is wanted now, in the order in which types name each other.
    private async Task FollowAsync(CancellationToken ct)
    {
        foreach (string typeUrl in _types)
        {
            if (TypeUrls.IsWildcard(typeUrl))
            {
                if (!_subscriptions.ContainsKey(typeUrl))
                {
                    await OpenAsync(typeUrl, ct).ConfigureAwait(false);
                }

                continue;
            }

            IReadOnlyCollection<string> wanted = handler.Wanted(typeUrl);
            if (!_subscriptions.TryGetValue(typeUrl, out Subscription? subscription))
            {
                // Opened with no names it would be a wildcard.
                if (wanted.Count > 0)
                {
                    await OpenAsync(typeUrl, ct).ConfigureAwait(false);
                }

                continue;
            }

            var now = new SortedSet<string>(wanted, StringComparer.Ordinal);
            if (!now.SetEquals(subscription.Names))
            {
                List<string> added = [.. now.Where(name => !subscription.Names.Contains(name))];
                List<string> removed = [.. subscription.Names.Where(name => !now.Contains(name))];
                subscription.Names = now;
                if (added.Count > 0)
                {
                    _unanswered.Add(typeUrl);
                }

                await SendAsync(dialect.Change(subscription, added, removed), ct).ConfigureAwait(false);
                status.Subscribed(subscription);
            }
        }
    }

    private async Task OpenAsync(string typeUrl, CancellationToken ct)
    {
        var subscription = new Subscription(typeUrl, memory.AcceptedVersions.GetValueOrDefault(typeUrl, ""))
        {
            Names = TypeUrls.IsWildcard(typeUrl) ? [] : new(handler.Wanted(typeUrl), StringComparer.Ordinal),
        };
        _subscriptions.Add(typeUrl, subscription);
        _unanswered.Add(typeUrl);
        byte[] request = dialect.Open(subscription, handler.Versions(typeUrl), _node);
        _node = null;
        await SendAsync(request, ct).ConfigureAwait(false);
        status.Subscribed(subscription);
    }

    private async Task SendAsync(byte[] request, CancellationToken ct)
    {
        options.Observer?.Sending(dialect.Protocol, request);
        try
        {
            await call.WriteAsync(request, ct).ConfigureAwait(false);
        }
        catch (GrpcException)
        {
            // The stream is over; the read that is or will be under way tells how.
        }
    }

    private async Task<bool> WithinAsync(Task read, TimeSpan patience, CancellationToken ct)
    {
        if (read.IsCompleted)
        {
            return true;
        }

        if (patience <= TimeSpan.Zero)
        {
            return false;
        }

        using var alarm = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task clock = Task.Delay(patience, time, alarm.Token);
        bool inTime = await Task.WhenAny(read, clock).ConfigureAwait(false) == read;
        await alarm.CancelAsync().ConfigureAwait(false);
        return inTime;
    }

    private static string Describe(Response response, List<RejectedResource> rejected)
    {
        string type = response.TypeUrl[(response.TypeUrl.LastIndexOf('.') + 1)..];
        var text = new StringBuilder();
        for (int i = 0; i < rejected.Count; i++)
        {
            string one = $"{(i == 0 ? "" : "; ")}{type} {rejected[i].Name}: {rejected[i].Reason}";
            if (text.Length + one.Length > LongestError && i > 0)
            {
                text.Append($"; and {rejected.Count - i} more");
                break;
            }

            text.Append(one.Length > LongestError ? one[..LongestError] : one);
        }

        return text.ToString();
    }

    [LoggerMessage(1, LogLevel.Warning, "refused: {Error}")]
    private static partial void LogRefused(ILogger log, string error);

    [LoggerMessage(2, LogLevel.Error, "taking in resources of type {TypeUrl} failed")]
    private static partial void LogHandlerFailed(ILogger log, Exception e, string typeUrl);

    [LoggerMessage(3, LogLevel.Warning, "no answer about clusters within {Seconds} s, asking for listeners")]
    private static partial void LogNoClusters(ILogger log, double seconds);
}
