using System.Collections.Concurrent;
using Amesh.Harness.Client;
using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Native;

/// <summary>Clients that send one request over and over, each on a new connection.</summary>
internal sealed class Load
{
        private readonly ConcurrentQueue<string> _failures = new();
    private readonly Task[] _clients;
    private long _sent;
    private volatile bool _stop;

    public Load(VerdictClient client, SentRequest request, int clients) =>
        _clients = [.. Enumerable.Range(0, clients).Select(number => Task.Run(() => SendAsync(client, request, $"load/{number}")))];

    /// <summary>Answers so far.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Waits until some more requests have been answered.</summary>
    public Task MoreAsync(int count)
    {
        var goal = Sent + count;
        return Processes.Waiting.UntilAsync(() => Task.FromResult(Sent >= goal), TimeSpan.FromSeconds(30), () => $"{count} more requests answered");
    }

    /// <summary>Ends the load; what went wrong, one entry per failed request.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        _stop = true;
        await Task.WhenAll(_clients);
        return [.. _failures];
    }

    private async Task SendAsync(VerdictClient client, SentRequest request, string caseId)
    {
        while (!_stop)
        {
            var reply = await client.SendAsync(caseId, request);
            if (reply.Status != "200")
            {
                _failures.Enqueue($"{reply.Status} {reply.Error}");
            }
            Interlocked.Increment(ref _sent);
        }
    }
}
